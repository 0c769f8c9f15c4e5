"""Reading an OCPI request off ASGI: its path in segments, its headers, its whole body within the limit.

What cannot be an OCPI request ends here with a clear error. No authentication, no JSON.
"""

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import unquote, unquote_to_bytes

from starlette.types import Receive, Scope

from ocpi_hub.wire.errors import BadJson, BodyTooLarge, GenericClientError, InvalidParameters, NotFound

BODY_SECONDS = 30.0
"""How long a caller may take to send its body."""

_SEPARATORS = re.compile(r"[/\\]")
# Segments of such a path mean what they say: nothing is encoded, and none begins with a dot.
_PLAIN = re.compile(rb"(?:/+[A-Za-z0-9_~*@:+,=!$&'()-][A-Za-z0-9._~*@:+,=!$&'()-]*)*/*")


class Overflow(BodyTooLarge):
    """HTTP 413 in the middle of a body whose end nobody knows: the connection cannot be used on."""


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers by their names in lower case. Of repeated ones the first counts, but Authorization: then none."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        if name == "authorization" and name in found:
            found[name] = ""
        found.setdefault(name, raw_value.decode("latin-1"))
    return found


def segments_of(scope: Scope) -> list[str]:
    """The path in decoded segments; slashes at the end and double ones mean nothing.

    Raises NotFound for bytes that can be part of no id and for segments that climb, InvalidParameters for a slash
    inside a segment.
    """
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0]
    if _PLAIN.fullmatch(path):
        return [segment for segment in path.decode("ascii").split("/") if segment]
    segments = []
    for part in path.split(b"/"):
        if not part:
            continue
        try:
            segment = unquote_to_bytes(part).decode("utf-8")
        except UnicodeDecodeError:
            raise NotFound("there is nothing at this URL: it is not UTF-8") from None
        if "/" in segment:
            raise InvalidParameters("an id in a URL cannot contain a slash")
        if not segment.isprintable():
            raise NotFound("there is nothing at this URL: it contains control characters")
        if climbs(segment):
            raise NotFound("there is nothing at this URL: it contains a dot segment")
        segments.append(segment)
    return segments


def climbs(segment: str) -> bool:
    """Whether somebody's server could take a segment for `.` or `..`, and so leave the module that was asked for:
    plain, encoded twice, with a parameter (`..;`) or between backslashes."""
    parts = _SEPARATORS.split(unquote(segment))
    return any(part.partition(";")[0] in (".", "..") for part in parts)


def check_query(scope: Scope) -> None:
    """Raises InvalidParameters for control characters in the query: they are part of no parameter."""
    query = unquote_to_bytes(scope.get("query_string", b""))
    if any(byte < 0x20 or byte == 0x7F for byte in query):
        raise InvalidParameters("the query contains control characters")


async def body_of(receive: Receive, headers: Mapping[str, str], *, limit: int) -> bytes:
    """The whole body, at most `limit` bytes, by what is announced and by what really comes.

    Raises BodyTooLarge (HTTP 413), BadJson (400) for a packed body, GenericClientError (408) for one that never ends.
    """
    packing = headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("", "identity"):
        raise BadJson(f"the body is packed ({packing[:20]}): send plain JSON")
    announced = headers.get("content-length", "")
    if announced.isdigit() and (len(announced) > 15 or int(announced) > limit):
        raise BodyTooLarge(f"the body is larger than {limit} bytes")
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise GenericClientError("the body ended early", http_status=400)
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > limit:
                    raise Overflow(f"the body is larger than {limit} bytes")
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise GenericClientError(f"the body took longer than {BODY_SECONDS:g} s", http_status=408) from None
