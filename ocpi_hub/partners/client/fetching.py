"""Requests that are no OCPI: to services that the operator names, and to URLs that a charger names.

The same guard judges every socket. Nothing is followed, nothing is kept, and an answer is read to its limit.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.settings import Settings
from ocpi_hub.partners.answers import Trouble
from ocpi_hub.partners.client.failing import FAILURES, Failed, reason_of, trouble_of
from ocpi_hub.partners.client.transport import Sockets
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
        self._anywhere = Sockets(Guard(networks, public=True))
        self._own = Sockets(Guard(networks, public=False))
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
        except FAILURES as error:
            raise Failed(reason_of(error), trouble_of(error)) from None
        except (ValueError, UnicodeError):
            raise Failed("the request could not be written as HTTP") from None

    async def _once(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str], limit: int, secret: bool
    ) -> Fetched:
        plain = url[:5].lower() == "http:"
        transport = self._own if secret and plain else self._anywhere
        sent = {**PLAIN, **headers}
        arriving = await transport.send(method, url, sent, body, connect=self._timeout, read=self._timeout)
        found = bytearray()
        try:
            while piece := await arriving.more():
                found += piece
                if len(found) > limit:
                    raise Failed(f"the answer is larger than {limit} bytes", Trouble.ANSWER)
        finally:
            await arriving.aclose()
        return Fetched(arriving.status, bytes(found))
