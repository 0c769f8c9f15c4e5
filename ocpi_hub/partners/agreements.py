"""The agreements as they are kept: the only writer of their table, and the reader that pictures are taken with.

What they mean is agreed.py; who asks is access.py. Whoever gives a `db` decides when it is committed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.base.database import after_commit
from ocpi_hub.base.resources import Resources
from ocpi_hub.partners.agreed import ANYONE, Agreed, Term, pair_of
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.partners.tables import Agreement, Endpoint
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ModuleId

log = structlog.get_logger()

CHANGED = "delivery.agreements"
"""The job that does what follows from a change, by name: it lives on a higher floor (delivery/jobs.py)."""
VERSION = "COALESCE((SELECT max(version) FROM agreements_version), 0)"
"""SQL for how often agreements were changed, to be read beside whatever depends on them."""
HELD_VERSION = "SELECT version FROM agreements_version FOR SHARE"
"""SQL for the same, if it was ever counted, that lets no change commit before the reader has: what was read is what
stands when the reader commits."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BETWEEN_US = frozenset({ModuleId.CREDENTIALS, ModuleId.HUB_CLIENT_INFO, "versions"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An agreement as the operator gives it. `parties` are two of `NL/ABC` or `*`; `modules` None is all."""

    parties: tuple[str, str]
    modules: Sequence[str] | None = None
    allowed: bool = True
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    note: str = ""


async def put(db: AsyncSession, resources: Resources, agreement_id: str, given: Given) -> tuple[Agreement, bool]:
    """Keep an agreement in the place of the one with this id; says whether it is new.

    Raises InvalidParameters for what cannot be an agreement. The caller also calls `Directory.changed(db)`.
    """
    if not _ID.fullmatch(agreement_id):
        raise InvalidParameters("id: must be 1 to 64 letters, digits, dots, hyphens or underscores")
    parties = [_party(index, text_) for index, text_ in enumerate(given.parties)]
    if parties[0].lower() == parties[1].lower() != ANYONE:
        raise InvalidParameters("parties: a party needs no agreement with itself")
    modules = await _modules(db, given.modules)
    if given.valid_from and given.valid_until and given.valid_until <= given.valid_from:
        raise InvalidParameters("valid_until: must be after valid_from")
    await _changed(db)
    row = await db.get(Agreement, agreement_id, with_for_update=True)
    new = row is None
    row = row or Agreement(id=agreement_id, party_a="", party_b="", changed_at=resources.clock())
    row.party_a, row.party_b = parties
    row.modules, row.allowed, row.note = modules, given.allowed, given.note
    row.valid_from, row.valid_until, row.changed_at = given.valid_from, given.valid_until, resources.clock()
    db.add(row)
    await db.flush()
    log.info("agreement.put", agreement=row.id, parties=parties, modules=modules, allowed=row.allowed)
    return row, new


async def remove(db: AsyncSession, agreement_id: str) -> bool:
    """Forget an agreement; whether there was one."""
    await _changed(db)
    gone = delete(Agreement).where(col(Agreement.id) == agreement_id).returning(col(Agreement.id))
    found = (await db.execute(gone)).first() is not None
    if found:
        log.info("agreement.removed", agreement=agreement_id)
    return found


async def find(db: AsyncSession, agreement_id: str) -> Agreement | None:
    return await db.get(Agreement, agreement_id)


async def every(db: AsyncSession, *, party: PartyId | None = None) -> list[Agreement]:
    """All agreements by their id; only those that name this party, or anybody, where one is given."""
    rows = list(await db.scalars(select(Agreement).order_by(col(Agreement.id))))
    return [row for row in rows if party is None or {party.key, ANYONE} & set(term(row).pair)]


async def read(db: AsyncSession, resources: Resources) -> Agreed:
    """The agreements as they are now, for a picture; `db` sees one moment."""
    version: int = await db.scalar(text(f"SELECT {VERSION}")) or 0
    rows = await db.scalars(select(Agreement))
    opened = resources.settings.agreements == "open"
    return Agreed([term(row) for row in rows], opened=opened, at=resources.clock(), version=version)


def term(row: Agreement) -> Term:
    """An agreement as it is read."""
    return Term(
        id=row.id,
        pair=pair_of(row.party_a.lower(), row.party_b.lower()),
        modules=frozenset(row.modules) if row.modules is not None else None,
        allowed=row.allowed,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        changed_at=row.changed_at,
    )


async def _changed(db: AsyncSession) -> None:
    """Count the change, and ring for what follows from it. Two changes at once wait for each other here.

    Writers that hold on to the version (HELD_VERSION) have committed when this goes on, and those that come wait: also
    while there is no row yet that could be locked.
    """
    after_commit(db, CHANGED)
    await db.execute(text("LOCK TABLE agreements_version IN EXCLUSIVE MODE"))
    await db.execute(
        text(
            "INSERT INTO agreements_version (id, version) VALUES (1, 1) "
            "ON CONFLICT (id) DO UPDATE SET version = agreements_version.version + 1"
        )
    )


def _party(index: int, given: str) -> str:
    if given == ANYONE:
        return given
    try:
        return str(PartyId.parse(given))
    except InvalidParameters as error:
        raise InvalidParameters(f"parties.{index}: {error.message}, or * for anybody") from None


async def _modules(db: AsyncSession, given: Sequence[str] | None) -> list[str] | None:
    """The names as they are compared: in lower case, each once. What a partner's version details offer beside OCPI's
    modules is a name too. Raises InvalidParameters that says which names there are."""
    if given is None:
        return None
    wanted = sorted({module.strip().lower() for module in given})
    if not wanted:
        raise InvalidParameters("modules: name one at least, or leave it out for all")
    for module in wanted:
        if module in _BETWEEN_US:
            raise InvalidParameters(f"modules: {module} is between a party and the hub, and needs no agreement")
    offered = await db.scalars(select(col(Endpoint.identifier)).distinct())
    known = ({module.value for module in ModuleId} | {name.lower() for name in offered}) - _BETWEEN_US
    unknown = [module for module in wanted if module not in known]
    if unknown:
        names = ", ".join(sorted(known))
        raise InvalidParameters(f"modules: there is no module {unknown[0]}, neither in OCPI nor at a partner: {names}")
    return wanted


def strangers(row: Agreement, snapshot: Snapshot) -> list[str]:
    """The parties of an agreement that nobody has registered yet, as they were given."""
    parties = [PartyId.parse(name) for name in (row.party_a, row.party_b) if name != ANYONE]
    return [str(party) for party in parties if not (snapshot.party(party) or party in snapshot.hosted)]
