"""Debts become letters at the moment they are sent: the newest document, the endpoint and the headers.

Reads the database, writes nothing and calls nobody. What cannot be sent at all is given back with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.delivery.outbox import Debt, Return
from ocpi_hub.objects.kinds import CDRS, KINDS, Kind
from ocpi_hub.partners.client import Result
from ocpi_hub.partners.tables import Endpoint
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.parties import InterfaceRole

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


async def write(
    db: AsyncSession, platform_id: str, debts: Sequence[Debt], *, hub: PartyId, at: datetime
) -> tuple[list[Letter], list[Return]]:
    """Letters for these debts of one platform; and, for those that nothing can be sent for, how they end."""
    endpoints = await _endpoints(db, platform_id)
    documents = await _documents(db, debts)
    letters: list[Letter] = []
    returns: list[Return] = []
    for debt in debts:
        document = debt.body or documents.get((debt.kind, debt.owner_key, debt.key))
        verb = _verb(debt, document)
        base = endpoints.get(debt.kind)
        if verb is None:
            returns.append(Return(debt, paid=True))
        elif debt.url is None and base is None:
            returns.append(_without_endpoint(debt))
        else:
            url = debt.url or "/".join(part for part in (str(base).rstrip("/"), debt.path) if part)
            body = document.encode() if document is not None and verb != "DELETE" else None
            letters.append(Letter(debt, verb, url, body, _routing(debt, hub), at))
    return letters, returns


async def _endpoints(db: AsyncSession, platform_id: str) -> dict[str, str]:
    """The platform's RECEIVER endpoints by module."""
    query = select(col(Endpoint.identifier), col(Endpoint.url)).where(
        col(Endpoint.platform_id) == platform_id, col(Endpoint.role) == InterfaceRole.RECEIVER.value
    )
    return {row.identifier: row.url for row in await db.execute(query)}


async def _documents(db: AsyncSession, debts: Sequence[Debt]) -> dict[tuple[str, str, str], str]:
    """The kept documents of these debts, as JSON text, by module, owner and key."""
    wanted: dict[Kind, list[tuple[str, str]]] = {}
    for debt in debts:
        if debt.body is None:
            wanted.setdefault(KINDS[debt.kind], []).append((debt.owner_key, debt.key))
    found: dict[tuple[str, str, str], str] = {}
    for kind, keys in wanted.items():
        table = kind.table
        query = select(col(table.owner_key), col(table.key), col(table.document)).where(
            tuple_(col(table.owner_key), col(table.key)).in_(keys)
        )
        found |= {(kind.module.value, owner_key, key): document for owner_key, key, document in await db.execute(query)}
    return found


def _verb(debt: Debt, document: str | None) -> str | None:
    """What is true now decides: a removed object that came back is put, one that went is deleted. None: say nothing."""
    if debt.body is not None:
        return debt.verb
    kind = KINDS[debt.kind]
    if document is not None:
        return "POST" if kind.immutable else "PUT"
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
