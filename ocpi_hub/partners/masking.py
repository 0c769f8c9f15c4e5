"""What must not be read in a journal: credentials tokens, and what names a driver (uid, contract id, visual number).

Pure. Bodies are masked as bytes, so that what partners wrote stays as they wrote it, and most cost no more than a look.
A field is found by its name; a body that may hide names behind escapes is not shown at all.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

MASK = "***"

_DRIVERS = (b'"uid"',)
_ALWAYS = tuple(
    b'"' + name + b'"'
    for name in (
        *(b"token", b"contract_id", b"visual_number", b"group_id", b"auth_id", b"id_tag", b"id_token"),
        *(b"authorization", b"password"),
    )
)
# A text, also one that was cut off, or anything else that is no object and no list.
_VALUE = re.compile(rb'\s*:\s*("(?:[^"\\]|\\.)*(?:"|\\?$)|[^\s",\]}{\[][^,\]}\s]*)')
_ESCAPED_NAME = re.compile(rb'"[^"]*\\[^"]*"\s*:')
_VIA = re.compile(r"(/via/[a-z0-9_-]+/)[A-Za-z0-9_-]{8,}")
_TOUCHED = re.compile(
    r"[^!-~]|[?#@\[\]\\]|/via/"
)  # only in such a URL there is something to leave out, or to read with care
_IN_URL = re.compile(r"(?i)\b(uid|contract_id|visual_number|token)=[^&#]*")

# An EVSE has a uid too, which names nobody; among locations only publish_allowed_to lists drivers.
_WITHOUT_DRIVERS = frozenset({"locations", "tariffs"})
_ALLOWED_TO = b"publish_allowed_to"


def mask_body(body: bytes, module: str, *, longest: int) -> str:
    """The first `longest` bytes of a body as text that may be kept."""
    shown = body[:longest]
    if shown.lstrip()[:1] not in (b"{", b"["):
        return f"({len(body)} bytes that are not JSON)" if shown.strip() else ""
    if b"\\" in shown and _ESCAPED_NAME.search(shown):
        return f"({len(body)} bytes with escaped names)"
    lowered = shown.lower()
    names = _ALWAYS if module in _WITHOUT_DRIVERS and _ALLOWED_TO not in lowered else _ALWAYS + _DRIVERS
    found = sorted(span for name in names if name in lowered for span in _values(shown, lowered, name))
    for start, end in reversed(found):
        shown = shown[:start] + b'"***"' + shown[end:]
    text = shown.decode("utf-8", "replace").replace("\x00", "")
    if b"/via/" in lowered:
        text = _VIA.sub(rf"\1{MASK}", text)
    return text if len(body) <= longest else f"{text} …"  # the body may have been cut before: nobody knows its length


def _values(body: bytes, lowered: bytes, name: bytes) -> Iterator[tuple[int, int]]:
    """Where the values of a field stand."""
    place = lowered.find(name)
    while place >= 0:
        place += len(name)
        value = _VALUE.match(body, place)
        if value is not None:
            yield value.span(1)
        place = lowered.find(name, place)


def mask_url(url: str, module: str) -> str:
    """A URL, or what follows one of ours, without the token that it names; secrets of callback URLs, and passwords, are
    left out too."""
    if module != "tokens" and not _TOUCHED.search(url):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(a URL that cannot be read)"
    host = parts.netloc.rpartition("@")[2]
    path = _VIA.sub(rf"\1{MASK}", parts.path)
    if module == "tokens":
        path = _without_uid(path, ours=not parts.netloc)
    query = _IN_URL.sub(rf"\1={MASK}", _VIA.sub(rf"\1{MASK}", parts.query)) if parts.query else ""
    return urlunsplit((parts.scheme, host, path, query, ""))


def _without_uid(path: str, *, ours: bool) -> str:
    """The uid stands before /authorize, or behind the country code and the party id of its owner. Below a URL of ours
    whatever else there is may be one."""
    segments = path.split("/")
    if segments[-1] == "authorize" and len(segments) > 1:
        segments[-2] = MASK
    elif ours and path:
        segments[min(2, len(segments) - 1) :] = [MASK]
    elif len(segments) >= 3 and 0 < len(segments[-3]) <= 2 and 0 < len(segments[-2]) <= 3:
        segments[-1] = MASK
    return "/".join(segments)
