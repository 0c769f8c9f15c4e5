"""What the calls about partners and about what roams answer, for the OpenAPI document. The answers themselves are
made in the files of the calls; tests/admin/test_openapi.py holds them to these shapes.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class Error(BaseModel):
    """What went wrong: `code` is for scripts, `message` says to people what to do."""

    code: str = Field(examples=["not_found"])
    message: str = Field(examples=["there is no charger BOX-9"])
    details: Any = None


class ErrorAnswer(BaseModel):
    """Every error of the admin REST has this one shape."""

    error: Error


class PartyAnswer(BaseModel):
    """A party in one of its roles."""

    country_code: str
    party_id: str
    role: str
    business_details: dict[str, Any]


class EndpointAnswer(BaseModel):
    """One interface of a partner's module."""

    identifier: str
    role: str
    url: str


class InvitedAnswer(BaseModel):
    """An invitation. The credentials token is shown this once."""

    id: str
    name: str
    status: str
    versions_url: str
    credentials_token: str


class PartnerAnswer(BaseModel):
    """A partner: who it is, how the connection stands, and how much it is owed. No credentials token is ever in it."""

    id: str
    name: str
    status: str = Field(description="PLANNED, CONNECTED, OFFLINE or SUSPENDED")
    registered: bool
    needs_handshake: bool
    credentials_refused_at: datetime | None
    version: str | None
    versions_url: str | None
    parties: list[PartyAnswer]
    expected_parties: list[dict[str, Any]]
    endpoints: list[EndpointAnswer]
    profile: dict[str, Any]
    learned: Any
    profile_in_force: dict[str, Any]
    token_encoding: dict[str, str | None]
    credentials: list[dict[str, Any]]
    created_at: datetime
    registered_at: datetime | None
    status_changed_at: datetime
    last_seen_at: datetime | None
    owed: int
    oldest_owed: datetime | None
    given_up: int


class PullLine(BaseModel):
    """One module that is pulled: when next, and what came of the last run."""

    module: str
    running: bool
    next_at: datetime
    next_is_full: bool
    watermark: datetime | None
    full_at: datetime | None
    failures: int
    missing: int
    last: dict[str, Any] | None


class PartnerDetails(PartnerAnswer):
    """A partner with its last errors and its pulls."""

    last_errors: list[dict[str, Any]]
    pull: list[PullLine]


class PullAsked(BaseModel):
    """Which modules are pulled now."""

    id: str
    modules: list[str]
    asked_at: datetime


class PullsAnswer(BaseModel):
    """What is pulled, the newest runs with their bad objects, and what is missing from full lists."""

    modules: list[PullLine]
    runs: list[dict[str, Any]]
    missing: list[dict[str, Any]]


class ReplayAnswer(BaseModel):
    """How much is owed again, by module."""

    id: str
    since: datetime
    owed: dict[str, int]
    total: int


class CheckAnswer(BaseModel):
    """How a partner conforms: one line for each rule that was looked at."""

    id: str
    at: datetime
    verdict: str
    counts: dict[str, int]
    checks: list[dict[str, Any]]


class DebtAnswer(BaseModel):
    """A push that is owed; a `dead` one was given up and waits for an operator."""

    lane: str
    kind: str
    verb: str
    owed_since: datetime
    due_at: datetime
    attempts: int
    dead: bool
    last_error: str | None
    correlation_id: str


class RetriedAnswer(BaseModel):
    """How many debts are owed anew."""

    id: str
    owed: int


class AttemptAnswer(BaseModel):
    """One try to tell a partner something: `outcome` is told, refused or unreachable."""

    platform_id: str
    lane: str
    kind: str
    verb: str
    at: datetime
    milliseconds: int
    outcome: str
    http_status: int | None
    ocpi_status: int | None
    message: str | None
    request_id: str
    correlation_id: str
    attempt: int


class AgreementAnswer(BaseModel):
    """An agreement; `warnings` name parties that nobody has registered yet."""

    id: str
    parties: list[str]
    modules: list[str] | None
    allowed: bool
    valid_from: datetime | None
    valid_until: datetime | None
    note: str
    in_force: bool
    changed_at: datetime
    warnings: list[str]


class MessageAnswer(BaseModel):
    """A note of the journal; parties are NL/ABC."""

    id: str
    at: datetime
    direction: str
    rule: str
    platform: dict[str, str | None] | None
    module: str | None
    interface: str | None
    method: str
    path: str
    http_status: int | None
    ocpi_status: int | None
    milliseconds: int
    reason: str | None
    request_id: str
    request_id_in: str | None
    correlation_id: str


class StoryAnswer(BaseModel):
    """Everything under one correlation id, in order, with what is kept of the bodies."""

    correlation_id: str
    messages: list[MessageAnswer]


class AuditAnswer(BaseModel):
    """What the hub thinks of a CDR and what was decided; `tries` to `stuck_at`: how sending a released one goes."""

    cdr_id: str
    owner: str
    emsp: str
    addressed: bool
    first_audited_at: datetime
    audited_at: datetime
    changes: list[dict[str, Any]]
    worst: str | None
    findings: list[dict[str, Any]]
    repriced: dict[str, Any] | None
    decision: str
    reason: str | None
    decided_by: str | None
    decided_at: datetime | None
    waits_to_be_sent: bool
    tries: int
    tried_at: datetime | None
    send_at: datetime | None
    send_error: str | None
    stuck_at: datetime | None


class AuditReport(AuditAnswer):
    """An audit with the price line by line, where the CDR can be priced."""

    report: dict[str, Any] | None


class MissingAnswer(BaseModel):
    """A Session that was completed and has no CDR."""

    session_id: str
    owner: str
    emsp: str | None
    found_at: datetime
    finding: dict[str, Any]


class PolicyAnswer(BaseModel):
    """What is done with CDRs of a CPO for an eMSP; `*` is any."""

    cpo: str
    emsp: str
    on_warning: str
    on_error: str
    updated_at: datetime


class InvitationAnswer(BaseModel):
    """An invitation that is in force; its credentials token is not shown again."""

    partner: dict[str, str]
    parties: list[dict[str, Any]]
    created_at: datetime
    expires_at: datetime | None


class WithdrawnAnswer(BaseModel):
    """How many invitations were taken back, and whether the partner was forgotten with them."""

    partner: str
    withdrawn: int
    forgotten: bool
