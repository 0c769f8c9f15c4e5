"""What the calls about our own chargers answer, for the OpenAPI document; see shapes.py."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field


class ConnectorAnswer(BaseModel):
    """A connector as the charger told of it."""

    connector_id: int
    status: str | None
    error_code: str | None
    changed_at: datetime | None


class EvseAnswer(BaseModel):
    """An EVSE: its number at the charger and its OCPI uid and status."""

    evse_id: int
    uid: str | None
    status: str | None
    connectors: list[ConnectorAnswer]


class ChargerAnswer(BaseModel):
    """A charger of our own, with its EVSEs and running transactions."""

    id: str
    online: bool
    last_seen_at: datetime | None
    ocpp_version: str | None
    vendor: str | None
    model: str | None
    serial_number: str | None
    firmware_version: str | None
    security_profile: int
    certificate_serial: str | None
    boot_status: str
    boot_answer: str | None
    boot_reason: str | None
    booted_at: datetime | None
    items_per_message: dict[str, int]
    local_list: dict[str, Any] | None
    party: dict[str, str] | None
    location_id: str | None
    tariff_ids: list[str]
    evses: list[EvseAnswer]
    transactions: list[str] = Field(description="The ids of those that run")
    quirks: list[str]
    warnings: list[str]


class AddedCharger(ChargerAnswer):
    """A new charger: where it connects, and a password that we made, this once."""

    url: str
    password: str | None = None


class CallAnswer(BaseModel):
    """The charger's own answer: its CALLRESULT, or its CALLERROR."""

    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class FrameAnswer(BaseModel):
    """One OCPP frame, secrets masked; `direction` is in (from the charger) or out."""

    at: datetime
    direction: str
    kind: str
    action: str | None
    message_id: str
    payload: Any


class TransactionAnswer(BaseModel):
    """A transaction; energy in Wh."""

    id: str
    charger: str
    evse_uid: str | None
    connector_id: str
    ocpp_id: str | None
    id_token: str | None
    start: datetime
    stop: datetime | None
    reason: str | None
    energy_wh: float | None
    session_id: str | None
    cdr_id: str | None
    tariff_ids: list[str]
    charging_preferences: dict[str, Any] | None
    charging_state: str | None
    suspect: bool
    flags: list[str]


class TransactionDetails(TransactionAnswer):
    """A transaction with its samples and charging states."""

    samples: list[dict[str, Any]]
    states: list[dict[str, Any]]


class SiteAnswer(BaseModel):
    """A site as it was given, with the limits in force now (A per phase)."""

    id: str
    external_limit: dict[str, Any] | None
    limit_now_a: float | None
    counts_a: dict[str, Any]
    over_limit: Any
    limits: list[dict[str, Any]]


class ProfileAnswer(BaseModel):
    """A charging profile that a charger keeps, with the id that it knows."""

    id: int
    charger: str
    evse_uid: str | None
    evse_id: int
    purpose: str
    kind: str
    stack_level: int
    transaction: str | None
    source: str
    schedule: dict[str, Any]


class NeedsAnswer(BaseModel):
    """What the car at an EVSE said that it needs, in Wh, A per phase and W in all; `needs` is as it came."""

    charger: str
    evse_uid: str | None
    evse_id: int
    transaction: str | None
    told_at: datetime
    schedule_follows: str | None
    departure_at: datetime | None
    energy_wh: Decimal | None
    maximum_a: Decimal | None
    maximum_w: Decimal | None
    minimum_a: Decimal | None
    minimum_w: Decimal | None
    needs: dict[str, Any] | None
    plan: dict[str, Any] | None
    plan_fits: bool | None


class ReservationAnswer(BaseModel):
    """A reservation at a charger, with the id that it knows."""

    id: int
    charger: str
    evse_uid: str | None
    evse_id: int | None
    status: str
    id_token: str | None
    expires_at: datetime


class SecurityAnswer(BaseModel):
    """What came of it: Accepted, or RebootRequired."""

    id: str
    status: str


class SecurityEventAnswer(BaseModel):
    """Something that a charger saw happen to its security."""

    id: int
    type: str
    critical: bool
    at: datetime
    said_at: datetime | None
    received_at: datetime
    info: str | None


class CertificateAnswer(BaseModel):
    """A signing request of a charger and what became of it."""

    id: str
    charger: str
    type: str
    state: str
    requested_at: datetime
    decided_at: datetime | None
    detail: str | None
    serial: str | None
    not_before: datetime | None
    not_after: datetime | None
    revoked_at: datetime | None


class CertificateDetails(CertificateAnswer):
    """A signing request in PEM, and the chain that was sent."""

    csr: str
    chain: str | None


class AuthorityAnswer(BaseModel):
    """An authority of the hub's own, in PEM."""

    serial: str
    not_before: datetime
    not_after: datetime
    certificate: str


class CardAnswer(BaseModel):
    """An own card."""

    uid: str
    type: str
    status: str
    group_id: str | None
    expires_at: datetime | None
    master: bool
    updated_at: datetime


class StreamAnswer(BaseModel):
    """A stream of a monitored variable that is open, with its newest values."""

    id: int
    monitoring_id: int
    interval: int | None
    most_values: int | None
    opened_at: datetime
    heard_at: datetime | None
    heard: int
    pending: int
    values: list[dict[str, Any]]
