"""Debts become letters at the moment they are sent: the newest document, the endpoint and the headers.

Reads the database, writes nothing and calls nobody. What cannot be sent at all is given back with the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import structlog
from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import text

from ocpi_hub.base.resources import resources_of
from ocpi_hub.delivery.outbox import Debt, Return
from ocpi_hub.dialects.profile import Profile
from ocpi_hub.dialects.speaking import said, with_slash
from ocpi_hub.objects.kinds import CDRS, KINDS, Kind
from ocpi_hub.partners import agreements, roster
from ocpi_hub.partners.client import Result
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.origins import Origins, host_of
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.parties import ClientInfo, ModuleId
from ocpi_hub.wire.types import OcpiModel

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Letter:
    """A debt that is ready to be sent."""

    debt: Debt
    verb: str
    url: str
    body: bytes | None
    routing: Routing | None
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Called:
    """A letter and what came of it; None: given up, because this process stops."""

    letter: Letter
    result: Result | None
    knows_no_patch: bool = False
    """It was a PATCH first, and the partner answered that it takes none."""


async def write(
    db: AsyncSession,
    debts: Sequence[Debt],
    *,
    endpoints: Mapping[str, str],
    own: Origins,
    profile: Profile,
    hub: PartyId,
    at: datetime,
) -> tuple[list[Letter], list[Return]]:
    """Letters for these debts of one platform; and, for those that nothing can be sent for, how they end.

    `endpoints` are the URLs of the platform's RECEIVER interfaces by module, `own` is where its credentials token may
    go, `profile` is how it wants its letters.
    """
    documents = await _documents(db, debts)
    letters: list[Letter] = []
    returns: list[Return] = []
    for debt in debts:
        document = debt.body or documents.get((debt.kind, debt.owner_key, debt.key))
        verb = _verb(debt, document, profile)
        base = endpoints.get(debt.kind)
        if verb is None:
            returns.append(Return(debt, paid=True))
        elif debt.url is None and base is None:
            returns.append(_without_endpoint(debt))
        elif debt.url is not None and not own.has(debt.url):
            log.warning("delivery.foreign_url", platform=debt.platform_id, lane=debt.lane, host=host_of(debt.url))
            returns.append(Return(debt, paid=True))
        else:
            url = debt.url or _url(str(base), debt.path, profile)
            body = _body(debt, document, profile) if document is not None and verb != "DELETE" else None
            letters.append(Letter(debt, verb, url, body, _routing(debt, hub), at))
    return letters, returns


async def _documents(db: AsyncSession, debts: Sequence[Debt]) -> dict[tuple[str, str, str], str]:
    """The kept documents of these debts, as JSON text, by module, owner and key."""
    wanted: dict[Kind, list[Debt]] = {}
    listed = [(debt.owner_key, debt.key) for debt in debts if debt.kind == ModuleId.HUB_CLIENT_INFO]
    for debt in debts:
        if debt.body is None and debt.kind != ModuleId.HUB_CLIENT_INFO:
            wanted.setdefault(KINDS[debt.kind], []).append(debt)
    found: dict[tuple[str, str, str], str] = {}
    for kind, asked in wanted.items():
        values = {"owners": [debt.owner_key for debt in asked], "keys": [debt.key for debt in asked]}
        for owner_key, key, document in await db.execute(_kept(kind), values):
            found[(kind.module.value, owner_key, key)] = document
    if listed:
        looker = await _looker(db, debts[0].platform_id)
        for line in await roster.lines(db, listed):
            place = (ModuleId.HUB_CLIENT_INFO.value, line.key, line.role)
            found[place] = wire_json.dumps((looker.sees(line) or looker.lost(line)).document())
    return found


async def _looker(db: AsyncSession, platform_id: str) -> roster.Looker:
    """The platform that is told, with the agreements as they are now."""
    directory = resources_of(db).one(Directory)
    agreed = await directory.agreed(await db.scalar(text(f"SELECT {agreements.VERSION}")) or 0)
    snapshot = await directory.now()
    return roster.Looker(platform_id, frozenset(snapshot.seats_of(platform_id)), agreed)


@cache
def _kept(kind: Kind) -> TextClause:
    return text(
        f"SELECT owner_key, key, document::text FROM {kind.table.__tablename__} WHERE (key, owner_key) IN "  # noqa: S608
        "(SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:owners AS text[])))"
    )


def _url(base: str, path: str, profile: Profile) -> str:
    """The RECEIVER endpoint and what follows it; the endpoint alone is as it was given, but for slashes."""
    joined = "/".join(part for part in (base.rstrip("/"), path) if part)
    return with_slash(joined, profile.trailing_slash)


def _body(debt: Debt, document: str, profile: Profile) -> bytes:
    """The document as it is kept, byte for byte, unless this partner wants it otherwise."""
    model = _MODELS.get(debt.kind)
    if model is None or not profile.rewrites:
        return document.encode()
    return wire_json.dumps(said(wire_json.loads(document), model, profile)).encode()


_MODELS: dict[str, type[OcpiModel]] = {kind.module.value: kind.model for kind in KINDS.values()}
_MODELS[ModuleId.HUB_CLIENT_INFO.value] = ClientInfo


def _verb(debt: Debt, document: str | None, profile: Profile) -> str | None:
    """What is true now decides: a removed object that came back is put, one that went is deleted. None: say nothing.

    A PATCH for a partner that wants it has all fields, so it is the same whatever the partner has. A Session is put
    all the same: a PATCH appends its charging periods.
    """
    if debt.body is not None:
        return debt.verb
    if debt.kind == ModuleId.HUB_CLIENT_INFO:
        return debt.verb if document is not None else None
    kind = KINDS[debt.kind]
    if document is not None:
        patched = profile.push == "patch" and profile.takes_patch and "PATCH" in kind.verbs and not kind.growing
        return "POST" if kind.immutable else "PATCH" if patched else "PUT"
    return "DELETE" if "DELETE" in kind.verbs else None


def _without_endpoint(debt: Debt) -> Return:
    log.warning("delivery.no_endpoint", platform=debt.platform_id, module=debt.kind, debt=debt.id)
    if debt.kind == CDRS.module:
        return Return(debt, dead=True, error="the platform has no RECEIVER endpoint for cdrs")
    return Return(debt, paid=True)


def _routing(debt: Debt, hub: PartyId) -> Routing | None:
    if debt.to_party is None and debt.from_party is None:
        return None
    to = PartyId.parse(debt.to_party) if debt.to_party else None
    return Routing(to=to, from_=PartyId.parse(debt.from_party) if debt.from_party else hub)
