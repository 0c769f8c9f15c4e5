"""Bodies and requests that mean harm, at the door: rows X17 and X19."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.modules.envelope import enveloped
from tests.world import ocpi
from tests.world.hub import Hub
from tests.world.objects import location
from tests.world.partner import Partner

ABC = ("NL", "ABC")


# --- hostile bodies (X17) ---------------------------------------------------------------------------------------------


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


GOOD = json.dumps(location(owner=ABC)).encode()
HOSTILE = {
    "depth": (deep(100_000), 400),
    "depth-of-lists": (b"[" * 100_000, 400),
    "keys": (b"{" + b",".join(b'"k%d":1' % n for n in range(250_000)) + b"}", 200),
    "nul": (GOOD.replace(b"Central", b"Cen\\u0000tral"), 200),
    "nul-in-a-key": (GOOD.replace(b'"name"', b'"na\\u0000me"'), 200),
    "nan": (GOOD.replace(b"true", b"NaN"), 400),
    "infinity": (GOOD.replace(b"true", b"-Infinity"), 400),
    "surrogate": (GOOD.replace(b"Central", b"\\ud800"), 400),
    "huge-int": (GOOD.replace(b"230", b"9" * 100_000), 400),
    "huge-exponent": (GOOD.replace(b"230", b"1e999999999"), 400),
    "utf-16": (GOOD.decode().encode("utf-16"), 400),
    "latin-1": (GOOD.replace(b"Central", b"\xe9\xe9"), 400),
    "trailing": (GOOD + b"x", 400),
    "two-documents": (GOOD + GOOD, 400),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_body_is_refused(hub: Hub, known: Partner, name: str) -> None:
    body, http_status = HOSTILE[name]
    answer = await known.put("locations", "NL/ABC/LOC1", None, content=body)
    assert answer.status_code == http_status
    assert enveloped(answer)["status_code"] == 2001
    assert (await known.get("locations", "LOC1")).status_code == 404


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf" + GOOD, GOOD.replace(b"{", b'{"id":"other",', 1)])
async def test_a_byte_order_mark_and_a_key_twice_are_taken(hub: Hub, known: Partner, body: bytes) -> None:
    assert (await known.put("locations", "NL/ABC/LOC1", None, content=body)).status_code == 201


async def test_packed_bodies_are_refused(hub: Hub, known: Partner) -> None:
    import gzip

    answer = await known.put(
        "locations", "NL/ABC/1", None, content=gzip.compress(GOOD), headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 400
    assert enveloped(answer)["status_code"] == 2001


async def test_a_body_is_limited_by_what_it_says(hub: Hub, known: Partner) -> None:
    limit = hub.settings.body_limit
    assert limit == 4 * 1024 * 1024
    answer = await known.put("locations", "NL/ABC/1", None, content=b" " * (limit + 1))
    assert answer.status_code == 413
    assert enveloped(answer)["status_code"] == 2001
    answer = await known.put("locations", "NL/ABC/1", None, content=b" " * limit)
    assert answer.status_code == 400  # read to its end, and found empty


def resident() -> int:
    """Bytes of memory that this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


async def test_a_body_without_an_end_is_cut_off_by_counting(hub: Hub, known: Partner) -> None:
    sent = 0

    async def pour() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b"["
        for _ in range(800):
            sent += 65536
            yield b" " * 65536

    before = resident()
    try:
        answer = await known.put("locations", "NL/ABC/1", None, content=pour())
    except httpx.TransportError:
        pass  # the connection was closed while we poured
    else:
        assert answer.status_code == 413
    assert sent < 800 * 65536
    assert resident() - before < 64 * 1024 * 1024
    assert enveloped(await known.get("locations"))["status_code"] == 1000


# --- request smuggling (X19) ------------------------------------------------------------------------------------------

SMUGGLING = [
    b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    b"Content-Length: 0\r\nContent-Length: 80\r\n\r\n",
    b"Content-Length: +0\r\n\r\n",
    b"Content-Length: 0, 80\r\n\r\n",
    b"Content-Length: 0x0\r\n\r\n",
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    b"X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n0;\n\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n-0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
]


@pytest.mark.parametrize("attack", SMUGGLING)
async def test_what_two_servers_could_read_differently_serves_no_second_request(
    hub: Hub, known: Partner, attack: bytes
) -> None:
    authorization = ocpi.encode(known.hub_token or "").encode()
    first = (
        b"PUT /ocpi/2.2.1/receiver/locations/NL/ABC/1 HTTP/1.1\r\nHost: hub\r\nAuthorization: %s\r\n" % authorization
    )
    smuggled = b"GET /ocpi/versions HTTP/1.1\r\nHost: hub\r\nAuthorization: %s\r\n\r\n" % authorization
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.settings.port)
    writer.write(first + attack + smuggled)
    writer.write_eof()
    try:
        async with asyncio.timeout(5):
            heard = await reader.read()
    except ConnectionError:
        heard = b""
    writer.close()
    assert b'"version"' not in heard
    assert b"HTTP/1.1 5" not in heard
