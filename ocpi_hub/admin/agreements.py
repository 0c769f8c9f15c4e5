"""Agreements for operators: who may talk with whom, per module and for how long (docs/agreements.md)."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ocpi_hub.admin.answers import Json, ResourcesDep, not_found
from ocpi_hub.admin.shapes import AgreementAnswer
from ocpi_hub.base.resources import Resources
from ocpi_hub.partners import agreements
from ocpi_hub.partners.agreements import Given
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.partners.tables import Agreement
from ocpi_hub.wire.headers import PartyId

router = APIRouter(default_response_class=Json)


class AgreementBody(BaseModel):
    """An agreement. `parties`: two of `NL/ABC`, or `*` for anybody. `modules` left out: all."""

    model_config = ConfigDict(extra="forbid")

    parties: tuple[str, str]
    modules: list[str] | None = None
    allowed: bool = True
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    note: str = Field("", max_length=1000)


def document(row: Agreement, snapshot: Snapshot, *, at: datetime) -> dict[str, Any]:
    """An agreement as operators see it; `warnings` name the parties that are not here (yet)."""
    return {
        "id": row.id,
        "parties": [row.party_a, row.party_b],
        "modules": row.modules,
        "allowed": row.allowed,
        "valid_from": row.valid_from,
        "valid_until": row.valid_until,
        "note": row.note,
        "in_force": agreements.term(row).holds(at),
        "changed_at": row.changed_at,
        "warnings": [
            f"there is no party {name} yet: the agreement waits for it" for name in agreements.strangers(row, snapshot)
        ],
    }


async def every(resources: Resources, party: str | None = None) -> list[dict[str, Any]]:
    """All agreements by their id; only those about one party where it is given."""
    named = PartyId.parse(party) if party is not None else None
    snapshot = await resources.one(Directory).now()
    async with resources.unit_of_work() as db:
        return [document(row, snapshot, at=resources.clock()) for row in await agreements.every(db, party=named)]


async def show(resources: Resources, agreement: str) -> dict[str, Any]:
    """One agreement. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        row = await agreements.find(db, agreement)
    if row is None:
        raise not_found("agreement", agreement)
    return document(row, await resources.one(Directory).now(), at=resources.clock())


async def put(resources: Resources, agreement: str, body: AgreementBody) -> tuple[dict[str, Any], bool]:
    """Make an agreement, or take the place of the one with this id; says whether it is new."""
    async with resources.unit_of_work() as db:
        row, new = await agreements.put(db, resources, agreement, Given(**dict(body)))
        resources.one(Directory).changed(db)
    return document(row, await resources.one(Directory).now(), at=resources.clock()), new


async def remove(resources: Resources, agreement: str) -> None:
    """Forget an agreement. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        if not await agreements.remove(db, agreement):
            raise not_found("agreement", agreement)
        resources.one(Directory).changed(db)


@router.get("/agreements", response_model=list[AgreementAnswer])
async def get_agreements(resources: ResourcesDep, party: str | None = None) -> Any:
    """All agreements; `party` (NL/ABC): only those that name it, or anybody."""
    return Json(await every(resources, party))


@router.get("/agreements/{agreement}", response_model=AgreementAnswer)
async def get_agreement(agreement: str, resources: ResourcesDep) -> Any:
    """One agreement."""
    return Json(await show(resources, agreement))


@router.put("/agreements/{agreement}", response_model=AgreementAnswer)
async def put_agreement(agreement: str, body: AgreementBody, resources: ResourcesDep) -> Any:
    """Make or change an agreement. It is followed at once, and what follows from it a moment later."""
    kept, new = await put(resources, agreement, body)
    return Json(kept, status_code=201 if new else 200)


@router.delete("/agreements/{agreement}", status_code=204)
async def delete_agreement(agreement: str, resources: ResourcesDep) -> None:
    """Forget an agreement."""
    await remove(resources, agreement)
