"""What is asked of the world for a charger: who revokes certificates, who issues contracts, who knows VAT numbers.

The business side implements it, for it alone opens connections; none of it is asked inside a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

NOT_CONFIGURED, NO_ANSWER, BAD_ANSWER = "NotConfigured", "NoAnswer", "BadAnswer"


class NotServed(Exception):
    """Nobody could be asked, or no answer came that makes sense. The text may be told to the charger.

    `code` is NOT_CONFIGURED, NO_ANSWER or BAD_ANSWER (20 characters at most, as OCPP's reasonCode).
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class ContractWanted:
    """A car asks for its contract certificate (OCPP 2.0.1, M01 and M02): the EXI of ISO 15118 as it came, base64.

    `most_chains` and `emaids` are ISO 15118-20's (OCPP 2.1).
    """

    charger_id: str
    schema_version: str
    action: str
    exi_request: str
    most_chains: int | None = None
    emaids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContractAnswer:
    """What the provider of contract certificates said; `exi_response` is for the car, as it came."""

    accepted: bool
    exi_response: str = ""
    remaining: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VatAnswer:
    """Whether a VAT number is one; `company` has name, address1, address2, city, postalCode, country where known."""

    accepted: bool
    company: Mapping[str, Any] | None = None
    reason: str = ""


class Outside(Protocol):
    """Each raises NotServed, within a time of its own."""

    async def fetch(self, url: str, *, body: bytes | None, content_type: str, limit: int) -> bytes:
        """The answer to a POST of `body`, or to a GET. The charger chose the URL: it is asked without any secret,
        never at an address that the hub may not connect to, and never for more than `limit` bytes."""

    async def contract(self, wanted: ContractWanted) -> ContractAnswer: ...

    async def vat_number(self, charger_id: str, number: str) -> VatAnswer: ...


class Nobody:
    """Nobody can be asked."""

    async def fetch(self, url: str, *, body: bytes | None, content_type: str, limit: int) -> bytes:
        raise NotServed(NOT_CONFIGURED, "this bridge asks nobody outside")

    async def contract(self, wanted: ContractWanted) -> ContractAnswer:
        raise NotServed(NOT_CONFIGURED, "this hub is connected to no provider of contract certificates")

    async def vat_number(self, charger_id: str, number: str) -> VatAnswer:
        raise NotServed(NOT_CONFIGURED, "this hub is connected to no service that knows VAT numbers")
