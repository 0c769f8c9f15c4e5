"""What a partner does wrong, on purpose: `partner.misbehave(html(), module="locations")`.

A fault answers instead of the partner; one that returns None (slow) lets the partner answer after it.
"""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from tests.world.ocpi import envelope

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


def status(code: int, body: str = "", *, headers: Mapping[str, str] | None = None) -> Fault:
    """A bare HTTP status, such as status(503, headers={"Retry-After": "7"})."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=body, headers=headers)

    return answer


def html(code: int = 200) -> Fault:
    """A page of somebody's load balancer."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text="<html><h1>It works!</h1></html>", content_type="text/html")

    return answer


def says(data: Any, *, code: int = 200) -> Fault:
    """Any JSON, wrapped in nothing."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(data, status=code)

    return answer


def data(value: Any, *, code: int = 200) -> Fault:
    """A proper envelope around data that the partner would not normally give."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(envelope(value), status=code)

    return answer


def refuses(status_code: int, message: str = "no", *, code: int = 200) -> Fault:
    """An OCPI error: refuses(2001) is HTTP 200 with status_code 2001."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(envelope(status_code=status_code, message=message), status=code)

    return answer


def slow(seconds: float) -> Fault:
    """The right answer, late."""

    async def wait(_: web.Request) -> None:
        await asyncio.sleep(seconds)

    return wait


def hangs() -> Fault:
    """No answer until the caller has gone."""
    return slow(3600)


def held(gate: asyncio.Event) -> Fault:
    """The right answer once the test opens the gate."""

    async def wait(_: web.Request) -> None:
        await gate.wait()

    return wait


def drops() -> Fault:
    """The connection is closed without an answer."""

    async def close(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return close


def endless(*, chunk: bytes = b" " * 65536) -> Fault:
    """A body without an end."""

    async def pour(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"data": [')
        while True:
            await response.write(chunk)

    return pour


def bomb(megabytes: int = 100) -> Fault:
    """A small gzip body that unpacks to very much."""

    async def answer(_: web.Request) -> web.StreamResponse:
        packed = gzip.compress(b" " * (megabytes * 1024 * 1024), compresslevel=9)
        return web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})

    return answer


def redirects(url: str, *, code: int = 302) -> Fault:
    """A redirect to somewhere."""
    return status(code, headers={"Location": url})
