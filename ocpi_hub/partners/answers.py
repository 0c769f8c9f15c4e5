"""What a partner's answer means: told, refused or unreachable. Pure; the calls themselves are in client.py.

HTTP 2xx and OCPI 1xxx are both needed for "told" (status_codes.asciidoc); what is no OCPI answer at all, or a
server's failure, is "unreachable", for the same message may be taken a minute later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from ocpi_hub.wire.envelope import Answer, NotOcpi, read_envelope
from ocpi_hub.wire.headers import token_candidates

QUOTED = 300


@dataclass(frozen=True, slots=True)
class Told:
    """The partner took it: HTTP 2xx and OCPI 1xxx, both (status_codes.asciidoc).

    `headers` by their names in lower case. `token_encoding` is how the credentials token was presented: base64 or raw.
    `url` is where the answer came from, after a redirect that was followed.
    """

    answer: Answer
    http_status: int
    headers: Mapping[str, str]
    milliseconds: int
    request_id: str
    token_encoding: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The partner answered, and the answer is no: an OCPI status other than 1xxx, an HTTP 4xx, or HTTP 401/403.

    `ocpi_status` and `answer` are None where a 401 or 403 carried no envelope.
    """

    http_status: int
    ocpi_status: int | None
    message: str
    answer: Answer | None
    milliseconds: int
    request_id: str


class Trouble(StrEnum):
    """Where a call that brought nothing failed: before the partner had it, while it worked, or in its answer."""

    CONNECTION = "connection"
    TIMEOUT = "timeout"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No OCPI answer: not connected, too slow, too large, a server error, HTML, a redirect.

    `reason` is a readable phrase; `http_status` is None when nothing was answered at all. `retry_after` in seconds.
    """

    reason: str
    milliseconds: int
    request_id: str
    http_status: int | None = None
    retry_after: float | None = None
    trouble: Trouble = Trouble.CONNECTION


Result = Told | Refused | Unreachable


@dataclass(frozen=True, slots=True)
class Received:
    """An HTTP answer, read to its end; `headers` by their names in lower case. `url` is where it came from."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""


@dataclass(frozen=True, slots=True)
class Relayed:
    """An answer that is to be passed on as it came. `token_encoding` is how the credentials token was presented."""

    received: Received
    milliseconds: int
    request_id: str
    token_encoding: str


def judge(
    received: Received, *, encoding: str, authorization: str, milliseconds: int, request_id: str, now: datetime
) -> Result:
    """What an HTTP answer means. `authorization` is the header that was sent: an answer that repeats it is masked."""
    status, headers = received.status, received.headers
    answer, complaint = _envelope_of(received.body)
    said = _quotable(answer, authorization)
    if status >= 500 or status in (408, 429) or 300 <= status < 400:
        return Unreachable(
            _http_reason(status) + said, milliseconds, request_id, status, _retry_after(headers, now), Trouble.ANSWER
        )
    if answer is None:
        if status in (401, 403):
            message = f"HTTP {status}: the partner does not accept our credentials token"
            return Refused(status, None, message, None, milliseconds, request_id)
        reason = f"HTTP {status}, and not OCPI: {complaint}"
        return Unreachable(reason, milliseconds, request_id, status, trouble=Trouble.ANSWER)
    if 200 <= status < 300 and answer.ok:
        return Told(answer, status, headers, milliseconds, request_id, encoding, received.url)
    message = f"HTTP {status}, OCPI {answer.status_code}{said}"
    return Refused(status, answer.status_code, message, answer, milliseconds, request_id)


def _quotable(answer: Answer | None, authorization: str) -> str:
    """The partner's own words, short, printable, and without the credentials token that they may repeat."""
    said = (answer.status_message or "") if answer else ""
    said = "".join(character if character.isprintable() else " " for character in said)
    for secret in token_candidates(authorization):
        said = said.replace(secret, "***")
    return f": {said[:QUOTED]}" if said else ""


def _envelope_of(body: bytes) -> tuple[Answer | None, str]:
    try:
        return read_envelope(body), ""
    except NotOcpi as error:
        return None, str(error)


def _http_reason(status: int) -> str:
    if 300 <= status < 400:
        return f"HTTP {status}: the redirect was not followed"
    return f"HTTP {status}" + (": too many requests" if status == 429 else "")


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Retry-After in seconds from `now`, as a number or as a date (RFC 9110, 10.2.3); nonsense is None."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds())
