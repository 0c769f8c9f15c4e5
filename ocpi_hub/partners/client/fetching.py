"""Requests that are no OCPI: to services that the operator names, and to URLs that a charger names.

The same guard judges every socket. Nothing is followed, nothing is kept, and an answer is read to its limit.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Self

import aiohttp
import httpx

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.settings import Settings
from ocpi_hub.partners.answers import Trouble
from ocpi_hub.partners.client.failing import Failed, reason_of, trouble_of
from ocpi_hub.partners.client.transport import open_transport
from ocpi_hub.partners.guard import Guard, url_problem

__all__ = ["Failed", "Fetched", "Fetcher"]

PLAIN = {"User-Agent": "ocpi-hub", "Accept-Encoding": "identity"}
AT_ONCE = 64
"""Requests of one process that may be open at the same time: chargers decide how many there are."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An HTTP answer, whatever its status."""

    status: int
    body: bytes


class Fetcher:
    """One per process."""

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.service_timeout
        networks = settings.partner_networks
        self._anywhere = open_transport(Guard(networks, public=True))
        self._own = open_transport(Guard(networks, public=False))
        self._room = asyncio.Semaphore(AT_ONCE)

    @classmethod
    def open(cls, resources: Resources) -> Self:
        return cls(resources.settings)

    async def aclose(self) -> None:
        await self._anywhere.aclose()
        await self._own.aclose()

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str],
        limit: int,
        secret: bool,
    ) -> Fetched:
        """Raises Failed, saying why. `secret`: what is sent must not cross the internet without TLS."""
        problem = url_problem(url)
        if problem is not None:
            raise Failed(problem)
        try:
            async with asyncio.timeout(self._timeout), self._room:
                return await self._once(method, url, body=body, headers=headers, limit=limit, secret=secret)
        except TimeoutError:
            raise Failed(f"no complete answer within {self._timeout:g} s", Trouble.TIMEOUT) from None
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
            raise Failed(reason_of(error), trouble_of(error)) from None
        except (ValueError, UnicodeError):
            raise Failed("the request could not be written as HTTP") from None

    async def _once(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str], limit: int, secret: bool
    ) -> Fetched:
        request = httpx.Request(method, url, headers={**PLAIN, **headers}, content=body)
        request.extensions["timeout"] = httpx.Timeout(self._timeout).as_dict()
        plain = request.url.scheme == "http"
        transport = self._own if secret and plain else self._anywhere
        response = await transport.handle_async_request(request)
        found = bytearray()
        async with aclosing(response):
            assert isinstance(response.stream, httpx.AsyncByteStream)
            async for chunk in response.stream:
                found += chunk
                if len(found) > limit:
                    raise Failed(f"the answer is larger than {limit} bytes", Trouble.ANSWER)
        return Fetched(response.status_code, bytes(found))
