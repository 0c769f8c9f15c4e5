"""The transport: URLs byte for byte, or as httpx writes them; heads of answers as the callers read them."""

import re
from contextlib import suppress

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.partners.client.transport import _AS_IT_IS, Sockets, Through, Transport
from ocpi_hub.partners.guard import Guard
from tests.world.partner import Partner


@given(st.from_regex(re.compile(r"https?://[a-z0-9.-]{1,9}(:[0-9]{1,4})?/[ -~]{0,20}"), fullmatch=True))
def test_a_url_that_goes_as_it_is_is_one_that_httpx_leaves_as_it_is(url: str) -> None:
    if _AS_IT_IS.fullmatch(url):
        with suppress(httpx.InvalidURL):  # a host of dots: nobody finds that
            assert str(httpx.URL(url)) == url


@pytest.mark.parametrize(
    ("url", "as_it_is"),
    [
        ("https://partner.example/ocpi/2.2.1/receiver/locations/NL/ABC/LOC%3A1?a=b&c=%20", True),
        ("http://127.0.0.1:8000/locations/NL/ABC/LOC.1", True),
        ("https://partner.example:443/ocpi", False),
        ("https://Partner.example/ocpi", False),
        ("https://partner.example/ocpi/../credentials", False),
        ("https://partner.example", False),
        ("https://partner.example/ocpi#part", False),
        ("https://partner.example/ö", False),
        ('https://partner.example/"quoted"', False),
        ("https://[::1]:8000/ocpi", False),
    ],
)
def test_which_urls_go_as_they_are(url: str, as_it_is: bool) -> None:
    assert (_AS_IT_IS.fullmatch(url) is not None) is as_it_is


async def ask(transport: Transport, url: str) -> tuple[int, dict[str, str], bytes]:
    arriving = await transport.send("GET", url, {"Accept": "*/*"}, None, connect=2, read=2)
    pieces = []
    while piece := await arriving.more():
        pieces.append(piece)
    await arriving.aclose()
    return arriving.status, dict(arriving.headers), b"".join(pieces)


@pytest.mark.parametrize("kind", ["aiohttp", "httpx"])
async def test_doubled_headers_are_joined_and_names_are_small(kind: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        response = web.Response(body=b"x" * 100_000)
        response.headers.add("Link", "<https://a.example>; rel=prev")
        response.headers.add("LINK", "<https://b.example>; rel=next")
        return response

    async with Partner(("EMSP", "DE", "MSP")) as partner:
        partner.misbehave(answer)
        url = f"{partner.url}/ocpi/receiver/locations"
        given = httpx.AsyncHTTPTransport()
        transport: Transport = Through(given) if kind == "httpx" else Sockets(Guard(["127.0.0.0/8"], public=False))
        status, headers, body = await ask(transport, url)
        await transport.aclose()
    assert status == 200
    assert headers["link"] == "<https://a.example>; rel=prev, <https://b.example>; rel=next"
    assert headers["content-length"] == "100000"
    assert body == b"x" * 100_000
