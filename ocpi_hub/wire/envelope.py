"""The response format that every OCPI answer is wrapped in (transport_and_format.asciidoc, Response format).

Kept documents are put in as the text they are; nothing is parsed again on the way out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ocpi_hub.wire.errors import OcpiError
from ocpi_hub.wire.json import dumps, loads
from ocpi_hub.wire.types import ABSENT, Absent, format_datetime, parse_datetime

__all__ = ["ABSENT", "Answer", "NotOcpi", "Raw", "envelope", "read_envelope"]

_VALUES_OF_A_PAGE = 2_000_000  # a page of a thousand locations is larger than anything that is pushed


class NotOcpi(Exception):
    """What a partner answered is not an OCPI answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Raw:
    """JSON text that is placed in the answer as it stands; the caller knows that it is JSON."""

    text: bytes | str


@dataclass(frozen=True, slots=True)
class Answer:
    """A partner's answer. `has_data` tells null from nothing: `data` is None for both."""

    status_code: int
    status_message: str | None
    timestamp: datetime | None
    data: Any
    has_data: bool

    @property
    def ok(self) -> bool:
        """Whether it is a success (1xxx)."""
        return 1000 <= self.status_code < 2000


def envelope(
    data: Any | Raw | Sequence[Any] | Absent = ABSENT,
    *,
    status_code: int = 1000,
    status_message: str | None = None,
    at: datetime,
) -> bytes:
    """The body of an answer, as bytes. `data` is a document, an OcpiModel, Raw, or a list of any of these.

    ABSENT leaves the field out, as is advised where the specification names no data; `at` is the time of answering.
    """
    # Joined once: a page has hundreds of kilobytes.
    parts = [] if data is ABSENT else [b'"data":', *_written(data), b","]
    parts.append(f'"status_code":{status_code:d},'.encode())
    if status_message is not None:
        parts += b'"status_message":', dumps(status_message).encode(), b","
    return b"".join((b"{", *parts, f'"timestamp":"{format_datetime(at)}"}}'.encode()))


def _written(data: Any) -> Iterator[bytes]:
    """The pieces of the text of `data`."""
    if isinstance(data, Raw):
        yield data.text.encode() if isinstance(data.text, str) else data.text
    elif isinstance(data, list | tuple):
        yield b"["
        for index, one in enumerate(data):
            yield from (b",",) if index else ()
            yield from _written(one)
        yield b"]"
    else:
        yield dumps(data).encode()


def read_envelope(raw: bytes | str) -> Answer:
    """A partner's answer, read forgivingly: the timestamp may be missing or odd, `data` absent, null or anything,
    the status code a numeric string. Raises NotOcpi when there is no JSON object with a four-digit status code."""
    try:
        document = loads(raw, max_values=_VALUES_OF_A_PAGE)
    except OcpiError as error:
        raise NotOcpi(error.message) from None
    if not isinstance(document, dict):
        raise NotOcpi("the answer is not a JSON object")
    message = document.get("status_message")
    return Answer(
        status_code=_status_code(document.get("status_code")),
        status_message=message if message is None or isinstance(message, str) else dumps(message),
        timestamp=_timestamp(document.get("timestamp")),
        data=document.get("data"),
        has_data="data" in document,
    )


def _status_code(value: Any) -> int:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value) if len(value) < 20 else None
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and value == int(value):
        code = int(value)
        if 1000 <= code <= 9999:
            return code
    raise NotOcpi("the answer has no OCPI status_code")


def _timestamp(value: Any) -> datetime | None:
    try:
        return parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None
