"""A URL of ours in the place of a partner's, in a body or in a query: every other byte stays as it was. Pure."""

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from urllib.parse import quote, unquote_plus

_SPACE = re.compile(r"[ \t\n\r]*")
_VALUE = json.JSONDecoder(parse_float=str, parse_int=str)
_KNOWN = "duration="
_SEPARATORS = re.compile("[&;]")
_UNDERSCORES = re.compile(r"[ .\[]")


def member(body: bytes, name: str) -> list[tuple[int, int]]:
    """Where the values of the object's own member `name` stand in `body.decode()`: (start, end) of each, last one
    last. `body` is known to be a JSON object; an object with doubled names has several."""
    text = body.decode()
    at = _SPACE.match(text, len(text) - len(text.lstrip("\ufeff"))).end()  # type: ignore[union-attr]
    at = _after(text, at, "{")
    found = []
    while text[at] != "}":
        key, at = scanstring(text, at + 1)
        at = _after(text, _space(text, at), ":")
        _, end = _VALUE.raw_decode(text, at)
        if key == name:
            found.append((at, end))
        at = _space(text, end)
        if text[at] == ",":
            at = _after(text, at, ",")
    return found


def replace_member(body: bytes, name: str, value: str) -> bytes:
    """The same bytes with this string as the value of the member."""
    text = body.decode()
    for start, end in reversed(member(body, name)):
        text = text[:start] + json.dumps(value) + text[end:]
    return text.encode()


def query_value(query: str, name: str) -> tuple[str, int, int] | None:
    """The parameter `name` of a raw query: its value, and where it stands. None when it is not there.

    A URL that was not encoded (as in the specification's examples) and that has a query of its own goes on over the
    next parameters, up to one that belongs to the request.
    """
    start = 0
    while start <= len(query):
        end = _part(query, start)
        if query.startswith(f"{name}=", start):
            start += len(name) + 1
            if "://" in query[start:end] and "?" in query[start:end]:
                while end < len(query) and not query.startswith(_KNOWN, end + 1):
                    end = _part(query, end + 1)
                return query[start:end], start, end
            value = query[start:end]
            return (value if "://" in value else unquote_plus(value)), start, end
        start = end + 1
    return None


def spellings(query: str, name: str) -> list[str]:
    """How the parameters of a raw query are spelled that some server would read as `name`: encoded letters, another
    case, what PHP makes an underscore of, and a semicolon in the place of the `&`."""
    given = [part.partition("=")[0] for part in _SEPARATORS.split(query)]
    return [one for one in given if _UNDERSCORES.sub("_", unquote_plus(one).strip()).lower() == name]


def replace_query_value(query: str, name: str, value: str) -> str:
    """The same query with this value, encoded, for the parameter `name`."""
    found = query_value(query, name)
    return query if found is None else query[: found[1]] + quote(value, safe="") + query[found[2] :]


def _part(query: str, start: int) -> int:
    end = query.find("&", start)
    return len(query) if end < 0 else end


def _space(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]


def _after(text: str, at: int, mark: str) -> int:
    assert text[at] == mark
    return _space(text, at + 1)
