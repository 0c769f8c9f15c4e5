"""The headers of OCPI: who a message is to and from, its two ids, and the credentials token.

Header names are read in lower case from a mapping that ignores case (or holds lower-case names).
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.types import PARTY_CODE, VISIBLE_ASCII

TO_COUNTRY: Final = "OCPI-to-country-code"
TO_PARTY: Final = "OCPI-to-party-id"
FROM_COUNTRY: Final = "OCPI-from-country-code"
FROM_PARTY: Final = "OCPI-from-party-id"
REQUEST_ID: Final = "X-Request-ID"
CORRELATION_ID: Final = "X-Correlation-ID"

_PARTY_CODE = re.compile(PARTY_CODE)
_TOKEN = re.compile(VISIBLE_ASCII)
_ID = re.compile(r"[ -~]{1,255}")


@dataclass(frozen=True, slots=True, eq=False)
class PartyId:
    """A country code and a party id, kept in the case that they came in and compared without it.

    Raises InvalidParameters when a part is empty, too long, or not printable ASCII without spaces and slashes.
    """

    country_code: str
    party_id: str
    key: str = field(init=False, repr=False)
    """`nl/abc`: what equal parties have in common."""

    def __post_init__(self) -> None:
        if not _fits(self.country_code, 2):
            raise InvalidParameters("country_code: must be 1 or 2 printable ASCII characters")
        if not _fits(self.party_id, 3):
            raise InvalidParameters("party_id: must be 1 to 3 printable ASCII characters")
        object.__setattr__(self, "key", f"{self.country_code}/{self.party_id}".lower())

    @classmethod
    def parse(cls, text: str) -> Self:
        """The party that `NL/ABC` names; InvalidParameters for anything else."""
        country_code, slash, party_id = text.partition("/")
        if not slash:
            raise InvalidParameters("a party is written as country code, slash, party id: NL/ABC")
        return cls(country_code, party_id)

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, PartyId) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return f"{self.country_code}/{self.party_id}"


def _fits(code: str, length: int) -> bool:
    return 0 < len(code) <= length and _PARTY_CODE.fullmatch(code) is not None


@dataclass(frozen=True, slots=True)
class Routing:
    """Which party a message is to and which it is from; None where the pair of headers is absent
    (transport_and_format.asciidoc, Message Routing Headers)."""

    to: PartyId | None = None
    from_: PartyId | None = None

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self:
        """The routing of a request or a response. Raises InvalidParameters for half a pair or a bad value."""
        return cls(to=_read_party(headers, TO_COUNTRY, TO_PARTY), from_=_read_party(headers, FROM_COUNTRY, FROM_PARTY))

    def headers(self) -> dict[str, str]:
        """The headers to send, in the case that the parties wrote themselves in."""
        sent: dict[str, str] = {}
        if self.to is not None:
            sent |= {TO_PARTY: self.to.party_id, TO_COUNTRY: self.to.country_code}
        if self.from_ is not None:
            sent |= {FROM_PARTY: self.from_.party_id, FROM_COUNTRY: self.from_.country_code}
        return sent

    def reversed(self) -> "Routing":
        """The routing of the answer: back to whom it is from."""
        return Routing(to=self.from_, from_=self.to)


def _read_party(headers: Mapping[str, str], country_header: str, party_header: str) -> PartyId | None:
    country_code = headers.get(country_header.lower(), "").strip()
    party_id = headers.get(party_header.lower(), "").strip()
    if not country_code and not party_id:
        return None
    if not country_code or not party_id:
        missing, given = (country_header, party_header) if party_id else (party_header, country_header)
        raise InvalidParameters(f"{missing}: is required beside {given}")
    try:
        return PartyId(country_code, party_id)
    except InvalidParameters as error:
        raise InvalidParameters(f"{country_header}, {party_header}: {error.message}") from None


@dataclass(frozen=True, slots=True)
class MessageIds:
    """X-Request-ID and X-Correlation-ID (transport_and_format.asciidoc, Unique message IDs).

    None where a partner sent none, or one that cannot stand in a header again: 1 to 255 printable ASCII characters.
    """

    request_id: str | None = None
    correlation_id: str | None = None

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self:
        return cls(request_id=_read_id(headers, REQUEST_ID), correlation_id=_read_id(headers, CORRELATION_ID))

    def headers(self) -> dict[str, str]:
        pairs = ((REQUEST_ID, self.request_id), (CORRELATION_ID, self.correlation_id))
        return {name: value for name, value in pairs if value is not None}


def _read_id(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name.lower(), "").strip()
    return value if _ID.fullmatch(value) else None


def encode_token(token: str) -> str:
    """The Authorization header for a credentials token: `Token` and its UTF-8 bytes in Base64."""
    return "Token " + base64.b64encode(token.encode()).decode("ascii")


def token_candidates(header_value: str | None) -> list[str]:
    """The credentials tokens that an Authorization header may mean, to be tried in this order.

    First the value as it stands, for many partners send it raw and a raw token can be valid Base64; then what it
    decodes to; each also without trailing line breaks, which the specification's own examples encode. Empty when
    the scheme is not Token (its case is ignored) or when the value cannot be a token.
    """
    scheme, _, value = (header_value or "").strip().partition(" ")
    value = value.strip()
    if scheme.lower() != "token" or not value or len(value) > 512:
        return []
    candidates = [value]
    try:
        padded = value + "=" * (-len(value) % 4)
        candidates.append(base64.b64decode(padded, validate=True).decode("utf-8"))
    except (binascii.Error, ValueError):
        pass
    stripped = [candidate.rstrip("\r\n") for candidate in candidates]
    ordered = [one for pair in zip(candidates, stripped, strict=True) for one in pair]
    return [one for one in dict.fromkeys(ordered) if _TOKEN.fullmatch(one.rstrip("\r\n"))]
