"""What roamed: the transactions of our own chargers, and CDRs."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlmodel import col, func, select

from bridge_ocpp.port import ChargerBook, Sample, StateChange, Transaction, TransactionFilter
from ocpi_hub.admin import known
from ocpi_hub.admin.answers import Json, ResourcesDep, not_found
from ocpi_hub.admin.charger_shapes import TransactionAnswer, TransactionDetails
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers.cdrs import tariffs_of
from ocpi_hub.chargers.tables import SessionLink
from ocpi_hub.objects.tables import KeptCdr
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.cdrs import CDR

router = APIRouter(default_response_class=Json)

Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=1_000_000_000)]


def transaction_document(transaction: Transaction, links: dict[str, SessionLink]) -> dict[str, Any]:
    """A transaction as operators see it, energy in Wh; the tariffs that price it, and what its driver prefers of it."""
    link = links.get(transaction.id)
    return {
        "id": transaction.id,
        "charger": transaction.charger_id,
        "evse_uid": wire_json.loads(link.place)["evse_uid"] if link and link.place else None,
        "connector_id": str(transaction.connector_id),
        "ocpp_id": transaction.ocpp_id,
        "id_token": transaction.id_token.value if transaction.id_token else None,
        "start": transaction.started_at,
        "stop": transaction.ended_at,
        "reason": transaction.stop_reason,
        "energy_wh": transaction.energy_wh,
        "session_id": link.session_id if link else None,
        "cdr_id": link.cdr_id if link else None,
        "tariff_ids": [tariff["id"] for tariff in tariffs_of(link)] if link else [],
        "charging_preferences": wire_json.loads(link.preferences) if link and link.preferences else None,
        "charging_state": transaction.charging_state,
        "suspect": transaction.suspect,
        "flags": list(transaction.flags),
    }


async def list_transactions(resources: Resources, which: TransactionFilter) -> list[dict[str, Any]]:
    """Transactions, oldest first."""
    async with resources.unit_of_work() as db:
        found = await resources.get(ChargerBook).transactions(which, db)  # type: ignore[type-abstract]
        wanted = [transaction.id for transaction in found]
        rows = await db.scalars(select(SessionLink).where(col(SessionLink.transaction_id).in_(wanted)))
        links = {link.transaction_id: link for link in rows}
    await known.filtered(resources, which.charger_id, found)
    return [transaction_document(transaction, links) for transaction in found]


@router.get("/transactions", response_model=list[TransactionAnswer])
async def get_transactions(
    resources: ResourcesDep,
    charger: str | None = None,
    token: str | None = None,
    active: bool | None = None,
    limit: Limit = 200,
    offset: Offset = 0,
) -> Any:
    """Transactions of our chargers, oldest first."""
    which = TransactionFilter(charger_id=charger, token=token, active=active, limit=limit, offset=offset)
    return Json(await list_transactions(resources, which))


@router.get("/transactions/{transaction_id}", response_model=TransactionDetails)
async def get_transaction(transaction_id: str, resources: ResourcesDep) -> Any:
    """One transaction with its samples and charging states."""
    async with resources.unit_of_work() as db:
        found = await resources.get(ChargerBook).transaction(transaction_id, db)  # type: ignore[type-abstract]
        if found is None:
            raise not_found("transaction", transaction_id)
        transaction, samples, states = found
        row = await db.scalar(select(SessionLink).where(SessionLink.transaction_id == transaction.id))
    document = transaction_document(transaction, {transaction.id: row} if row else {})
    document["samples"] = [sample_document(sample) for sample in samples]
    document["states"] = [state_document(state) for state in states]
    return Json(document)


def sample_document(sample: Sample) -> dict[str, Any]:
    names = ("at", "measurand", "value", "unit", "phase", "context", "location")
    document = {name: getattr(sample, name) for name in names}
    if sample.signed is not None:
        document["signed"] = dict(sample.signed)
    return document


def state_document(state: StateChange) -> dict[str, Any]:
    return {"at": state.at, "state": state.state}


@router.get("/cdrs", response_model=list[CDR])
async def get_cdrs(
    resources: ResourcesDep,
    date_from: datetime | None = None,
    date_to: datetime | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Any:
    """CDRs that were made here or passed through, oldest first, as they were sent."""
    query = select(KeptCdr).order_by(col(KeptCdr.pk))
    if date_from is not None:
        query = query.where(KeptCdr.last_updated >= date_from)
    if date_to is not None:
        query = query.where(KeptCdr.last_updated < date_to)
    async with resources.unit_of_work() as db:
        rows = (await db.scalars(query.limit(limit).offset(offset))).all()
        total = await db.scalar(select(func.count()).select_from(query.subquery()))
    documents = [wire_json.loads(row.document) for row in rows]
    return Json(documents, headers={"X-Total-Count": str(total)})
