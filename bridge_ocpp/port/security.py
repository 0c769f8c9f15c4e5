"""The security of the link: passwords that change, certificates, security events.

Commands go out by ChargerPort.ask; SecurityBook is what the bridge has written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from bridge_ocpp.port.commands import Command

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

# --- commands ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RotatePassword(Command):
    """Give the charger a new password, which the bridge makes and nobody else learns.

    ACCEPTED: it counts, and the old one does not any more. SCHEDULED: the charger takes it after a reboot; both count
    until it has used the new one, as they do when its answer is lost (TIMEOUT, OFFLINE). Else the old one stays.
    """


@dataclass(frozen=True, slots=True)
class RequestSigning(Command):
    """Ask the charger for a certificate signing request: for its own certificate, or for one towards cars.

    `kind` is OCPP 2.1's CertificateSigningUseEnumType; INVALID where the charger's version has none of that kind.
    """

    kind: str = "ChargingStationCertificate"


@dataclass(frozen=True, slots=True)
class InstallCertificate(Command):
    """Have the charger trust a root certificate (PEM). `kind` is OCPP 2.0.1's InstallCertificateUseEnumType."""

    kind: str
    certificate: str


@dataclass(frozen=True, slots=True)
class ListCertificates(Command):
    """Which certificates are installed, of these kinds (none: of all; 2.0.1's GetCertificateIdUseEnumType).

    The payload is {"certificates": [{"type", "hash_algorithm", "issuer_name_hash", "issuer_key_hash",
    "serial_number", "children": […likewise, without type]}]}.
    """

    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeleteCertificate(Command):
    """Have the charger forget a certificate, named as ListCertificates names it. UNKNOWN: it has none such."""

    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


# --- what is written down ---------------------------------------------------------------------------------------


class SigningState(StrEnum):
    """How it stands with a certificate that a charger asked for."""

    WAITING = "WAITING"
    """An operator has to approve it."""
    SIGNED = "SIGNED"
    """It is on its way to the charger."""
    INSTALLED = "INSTALLED"
    """The charger has it."""
    REFUSED = "REFUSED"
    """The charger did not take it."""
    REJECTED = "REJECTED"
    """The operator, or the hub, did not sign it."""


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """A signing request of a charger and what became of it. `csr` and `chain` are PEM, `serial` is hexadecimal."""

    id: str
    charger_id: str
    kind: str
    state: SigningState
    requested_at: datetime
    csr: str
    decided_at: datetime | None = None
    detail: str | None = None
    serial: str | None = None
    chain: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuthorityRecord:
    """A certificate authority of ours: what chargers' certificates are signed by. `certificate` is PEM."""

    serial: str
    certificate: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class SecurityEventRecord:
    """Something that a charger saw happen to its security. `at` is the time that counts, `said_at` the charger's."""

    id: int
    kind: str
    critical: bool
    at: datetime
    said_at: datetime | None
    received_at: datetime
    info: str | None = None


class SecurityBook(Protocol):
    """Certificates and security events; rows are written to the caller's transaction, deliveries follow by themselves.

    `decide`s raise KeyError for a request that there is not, ValueError for what cannot be.
    """

    async def certificates(
        self, db: AsyncSession, *, charger_id: str | None = None, state: SigningState | None = None
    ) -> Sequence[CertificateRecord]:
        """Newest first."""

    async def certificate(self, request_id: str, db: AsyncSession) -> CertificateRecord | None: ...

    async def approve(self, request_id: str, db: AsyncSession, *, chain: str | None = None) -> CertificateRecord:
        """Send the charger this chain (PEM, its own certificate first); None: one that our own authority signs."""

    async def reject(self, request_id: str, db: AsyncSession, *, reason: str = "") -> CertificateRecord: ...

    async def revoke(self, request_id: str, db: AsyncSession) -> CertificateRecord:
        """The charger does not come in with this certificate any more, from its next connection on."""

    async def authorities(self, db: AsyncSession) -> Sequence[AuthorityRecord]:
        """Newest first; the first one is made when there is none."""

    async def security_events(
        self, charger_id: str, db: AsyncSession, *, limit: int = 100, critical: bool | None = None
    ) -> Sequence[SecurityEventRecord]:
        """Newest first."""

    async def event_counts(self, db: AsyncSession) -> Sequence[tuple[str, bool, int]]:
        """How many events are kept: kind (OCPP's own, or `other`), critical, number."""
