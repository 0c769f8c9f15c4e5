"""Who may come in, and at which security profile. Pure: what the charger shows against what is kept of it.

OCPP 1.6 security whitepaper, 2; OCPP 2.0.1, part 2, A00. Profile 0: nothing; 1: a password; 2: a password over TLS;
3: a certificate of its own.
"""

from dataclasses import dataclass
from enum import StrEnum

from bridge_ocpp import passwords
from bridge_ocpp.security.tls import ClientCertificate


@dataclass(frozen=True, slots=True)
class KeptPassword:
    """What is kept of one password. `pending`: it was sent to the charger, which has not yet used it."""

    salt: bytes
    digest: bytes
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a charger that knocks. `security_profile` is the lowest at which it may come in."""

    security_profile: int
    passwords: tuple[KeptPassword, ...] = ()
    issued_to: str | None = None
    """The key of the charger that we gave the shown certificate to; None: we did not."""
    revoked: bool = False
    """The shown certificate was revoked."""


@dataclass(frozen=True, slots=True)
class Knock:
    """What a charger shows. `encrypted`: the line is TLS, ours or a trusted proxy's; `local`: it never left this
    machine."""

    charger_id: str
    address: str
    encrypted: bool
    local: bool
    authorization: str | None = None
    certificate: ClientCertificate | None = None

    @property
    def key(self) -> str:
        return self.charger_id.casefold()


@dataclass(frozen=True, slots=True)
class Entry:
    """A charger that was let in, and how. `password` is the one that it used."""

    charger_key: str
    profile: int
    password: KeptPassword | None = None
    serial: str | None = None


class Refusal(StrEnum):
    """Why a charger was not let in. It is logged, and never told to whoever knocked."""

    PASSWORD = "password"  # noqa: S105 - a reason, not a password
    CERTIFICATE = "certificate"
    PROFILE = "profile"


def judge(knock: Knock, known: Known | None, *, pepper: bytes, open_allowed: bool) -> Entry | Refusal:
    """Let in, or not. Takes the same time for a charger that is unknown as for a wrong password."""
    right = _password(knock, known, pepper)
    if known is None:
        return Refusal.PASSWORD
    if knock.certificate is not None:
        named = knock.certificate.is_for(knock.charger_id)
        its_own = named if known.issued_to is None else known.issued_to == knock.key
        if known.revoked or not its_own:
            return Refusal.CERTIFICATE
        return Entry(knock.key, 3, serial=knock.certificate.serial)
    if right is not None:
        entry = Entry(knock.key, 2 if knock.encrypted else 1, password=right)
        return entry if entry.profile >= known.security_profile else Refusal.PROFILE
    if known.security_profile == 0:
        return Entry(knock.key, 0) if open_allowed and knock.local else Refusal.PROFILE
    return Refusal.PASSWORD


def _password(knock: Knock, known: Known | None, pepper: bytes) -> KeptPassword | None:
    """The kept password that was presented, if any."""
    presented = passwords.read_basic(knock.authorization, knock.charger_id)
    kept = known.passwords if known is not None else ()
    right = None
    for each in kept or (None,):
        matches = passwords.matches(
            presented or b"", salt=each.salt if each else None, kept=each.digest if each else None, pepper=pepper
        )
        if matches and presented is not None:
            right = each
    return right
