"""What every version can say, in one set of words: facts from a charger, our reply, and the shape of a dialect.

Shaped like OCPP 2.0.1, which can hold 1.6. Pure; nothing here knows a message of either version.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bridge_ocpp.clock import EARLIEST, Said
from bridge_ocpp.meter import Reading
from bridge_ocpp.ocppj import TYPES, Fault
from bridge_ocpp.port import (
    ChargingState,
    Command,
    ConnectorStatus,
    IdToken,
    Outcome,
    OutcomeStatus,
    Transaction,
    VariableName,
    Verdict,
)
from bridge_ocpp.quirks import Leniency

Payload = Mapping[str, Any]


class Refused(Exception):
    """A call whose payload fits its schema and still cannot be meant."""

    def __init__(self, fault: Fault, reason: str) -> None:
        super().__init__(reason)
        self.fault = fault
        self.reason = reason


# --- what a charger tells ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a charger tells; what is done with each kind stands in the table of handlers.py."""


@dataclass(frozen=True, slots=True)
class Boot(Fact):
    """The charger has started, and says what it is."""

    vendor: str
    model: str
    serial_number: str | None = None
    firmware_version: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Beat(Fact):
    """A sign of life."""


@dataclass(frozen=True, slots=True)
class ConnectorTold(Fact):
    """The status of a connector. EVSE 0 is the charger as a whole."""

    evse_id: int
    connector_id: int
    status: ConnectorStatus
    said: Said
    error_code: str | None = None
    info: str | None = None


@dataclass(frozen=True, slots=True)
class CertificateNamed:
    """A certificate as OCPP names it: hashes of its issuer's name and key, its serial number (all hexadecimal).

    `urls` are where to ask about it, by `source`: OCSP or CRL.
    """

    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str
    urls: tuple[str, ...]
    source: str = "OCSP"


@dataclass(frozen=True, slots=True)
class TokenShown(Fact):
    """A driver shows a token: may it charge here?

    A car that shows its contract names the certificates of its `contract`, the car's own first, or hands the `chain`
    over (PEM). The content of the reply is then an AuthorizeCertificateStatusEnumType.
    """

    token: IdToken
    contract: tuple[CertificateNamed, ...] = ()
    chain: str | None = None


class Stage(StrEnum):
    """Where in its life a transaction is when a message about it was made."""

    STARTED = "Started"
    UPDATED = "Updated"
    ENDED = "Ended"


@dataclass(frozen=True, slots=True)
class TransactionTold(Fact):
    """News of a transaction.

    `ocpp_id` is None where the charger waits for us to name the transaction; `seq_no` counts the messages of a
    transaction where the version counts. `offline` is what the charger says of itself (None: it cannot say).
    `asks` means that it wants a verdict about `id_token`. `digest` is equal for the same news sent again. `notes` say
    what is odd about its meter values.
    """

    stage: Stage
    said: Said
    digest: str
    ocpp_id: str | None = None
    seq_no: int | None = None
    evse_id: int | None = None
    connector_id: int | None = None
    id_token: IdToken | None = None
    asks: bool = False
    readings: tuple[Reading, ...] = ()
    charging_state: ChargingState | None = None
    stop_reason: str | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    offline: bool | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metered(Fact):
    """Meter values; `ocpp_id` where they belong to a transaction. EVSE 0 is the main meter of the charger. `notes` say
    what is odd about them."""

    evse_id: int
    connector_id: int
    readings: tuple[Reading, ...]
    ocpp_id: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def said(self) -> Said:
        """The time of the message, which has none of its own: that of its newest reading."""
        return max((reading.said for reading in self.readings), key=_moment, default=Said(None))


def _moment(said: Said) -> datetime:
    return said.at or EARLIEST


@dataclass(frozen=True, slots=True)
class ReservationTold(Fact):
    """A reservation ended without a transaction."""

    reservation_id: int
    status: str


@dataclass(frozen=True, slots=True)
class Notice(Fact):
    """Something that is kept as it came, to be looked at: progress of a job, a security event, a report."""

    topic: str
    said: Said
    document: Payload


@dataclass(frozen=True, slots=True)
class Transfer(Fact):
    """Data of a vendor's own."""

    vendor_id: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a fact; each dialect takes from it what its answer has room for.

    `accepted` and `content` belong to the fact: whether the charger gets what it asks for, and what it gets; `code`
    and `reason` say why not, for programs and for people.
    """

    now: datetime
    verdict: Verdict | None = None
    ocpp_id: str | None = None
    boot_status: str = "Accepted"
    interval: int = 0
    accepted: bool = True
    code: str = ""
    reason: str = ""
    content: Any = None
    total_cost: Decimal | None = None


# --- the two tables of a dialect ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Inbound:
    """A call from a charger. `read` may raise Refused."""

    read: Callable[[Payload], Fact]
    answer: Callable[[Reply], Payload]


@dataclass(frozen=True, slots=True)
class Outbound:
    """A call to a charger. `say` gets the command and, where it names one, the transaction that it is about.

    `say` raises device_words.Unsayable. `at_most`: the items that the version itself takes in one message.
    `instead`: the action of a command that this one cannot say, where it is one of those.
    """

    action: str
    say: Callable[[Any, Transaction | None], Payload]
    read: Callable[[Payload], Outcome]
    at_most: int | None = None
    instead: Callable[[Any], str | None] = lambda _command: None

    def action_of(self, command: Any) -> str:
        """The action that says this command."""
        return self.instead(command) or self.action


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version of OCPP.

    `meant` reads an operator's own call as a command, where what it brings about is kept.
    `nameless` is the message id of an error about a frame whose own id cannot be read (None: say nothing).
    `frame_types` are the message types on the wire; `sends` is the table of what a charger says without being answered.
    `echoes_remote_start`: a transaction names the remote start that began it. `boots_first`: a charger may say nothing
    before its first boot is accepted. `invites`: the actions that a call of ours asks a charger to send.
    `knows_masters`: it has cards that stop any transaction and start none. `own_component`: where variables without a
    component belong ("": each must name one). `wishes`: the variables behind each device_words.Wish; `limits`: those
    that say how much a charger takes at once.
    """

    protocol: str
    schema_folder: str
    request_suffix: str
    codes: Mapping[Fault, str]
    nameless: str | None
    echoes_remote_start: bool
    boots_first: bool
    invites: Callable[[str, Payload], frozenset[str]]
    leniency: Leniency
    inbound: Mapping[str, Inbound]
    outbound: Mapping[type, Outbound]
    own_component: str
    knows_masters: bool
    wishes: Mapping[Any, tuple[VariableName, ...]]
    limits: Mapping[str, VariableName]
    meant: Mapping[str, Callable[[Payload], Command]]
    frame_types: frozenset[int] = TYPES
    sends: Mapping[str, Inbound] = field(default_factory=dict)


# --- what both tables are made with ------------------------------------------------------------------------------


def nothing(_reply: Reply) -> Payload:
    """The answer that only says: understood."""
    return {}


def digest(*parts: Any) -> str:
    """A key from content: equal for equal parts, whatever their key order."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def outcome(words: Mapping[str, OutcomeStatus]) -> Callable[[Payload], Outcome]:
    """Read an answer by its `status`. A word that is not expected is no success."""

    def read(payload: Payload) -> Outcome:
        word = str(payload.get("status", ""))
        info = payload.get("statusInfo")
        reason = ": ".join(str(info[k]) for k in ("reasonCode", "additionalInfo") if info.get(k)) if info else ""
        return Outcome(words.get(word, OutcomeStatus.FAILED), reason or word, payload)

    return read
