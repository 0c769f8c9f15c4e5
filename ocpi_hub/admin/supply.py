"""What an operator of chargers sells and to whom: own cards and own tariffs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ocpi_hub.admin.answers import AdminError, BodyDep, Json, ResourcesDep, not_found
from ocpi_hub.admin.charger_shapes import CardAnswer
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import cards, tariffs
from ocpi_hub.chargers.tables import OwnCard
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.tariffs import Tariff

router = APIRouter(default_response_class=Json)


class CardBody(BaseModel):
    """An own card; `expires_at` without a zone is UTC."""

    model_config = ConfigDict(extra="forbid")

    type: str = "RFID"
    status: str = "Accepted"
    group_id: str | None = Field(None, max_length=36)
    expires_at: datetime | None = None
    master: bool = False

    @field_validator("expires_at")
    @classmethod
    def _utc(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def card_document(card: OwnCard) -> dict[str, Any]:
    names = ("uid", "type", "status", "group_id", "expires_at", "master", "updated_at")
    return {name: getattr(card, name) for name in names}


async def put_card(resources: Resources, uid: str, body: CardBody) -> tuple[dict[str, Any], bool]:
    """Keep an own card. Raises AdminError 422 for a status that there is not."""
    if not 1 <= len(uid) <= 36 or not uid.isascii() or not uid.isprintable():
        raise AdminError(422, "invalid", "uid: 1 to 36 printable characters")
    async with resources.unit_of_work() as db:
        try:
            row, new = await cards.put(db, cards.Card(uid=uid, **body.model_dump()), at=resources.clock())
        except ValueError as error:
            raise AdminError(422, "invalid", str(error)) from None
        return card_document(row), new


@router.put("/tokens/{uid}", response_model=CardAnswer)
async def put_token(uid: str, body: CardBody, resources: ResourcesDep) -> Any:
    """Make or change an own card."""
    document, new = await put_card(resources, uid, body)
    return Json(document, status_code=201 if new else 200)


@router.get("/tokens", response_model=list[CardAnswer])
async def get_tokens(
    resources: ResourcesDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
) -> Any:
    """Own cards by their uid."""
    return Json(await every_card(resources, limit=limit, offset=offset))


async def every_card(resources: Resources, *, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Own cards by their uid."""
    async with resources.unit_of_work() as db:
        return [card_document(card) for card in await cards.every(db, limit=limit, offset=offset)]


@router.get("/tokens/{uid}", response_model=CardAnswer)
async def get_token(uid: str, resources: ResourcesDep) -> Any:
    """One own card."""
    return Json(await one_card(resources, uid))


async def one_card(resources: Resources, uid: str) -> dict[str, Any]:
    """One own card. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        card = await cards.find(db, uid)
    if card is None:
        raise not_found("token", uid)
    return card_document(card)


@router.delete("/tokens/{uid}", status_code=204)
async def delete_token(uid: str, resources: ResourcesDep) -> None:
    """Forget an own card."""
    await forget_card(resources, uid)


async def forget_card(resources: Resources, uid: str) -> None:
    """Forget an own card. Raises AdminError 404 when there is none."""
    async with resources.unit_of_work() as db:
        if not await cards.delete(db, uid):
            raise not_found("token", uid)


@router.put("/tariffs/{tariff_id}", response_model=Tariff)
async def put_tariff(tariff_id: str, document: BodyDep, resources: ResourcesDep) -> Any:
    """Keep and publish a tariff of our own chargers: an OCPI Tariff object."""
    return Json(await keep_tariff(resources, tariff_id, document))


async def keep_tariff(resources: Resources, tariff_id: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Keep and publish a tariff of our own chargers, an OCPI Tariff object; gives it as it is kept."""
    async with resources.unit_of_work() as db:
        kept: dict[str, Any] = wire_json.loads(await tariffs.put(resources, tariff_id, document, db))
    return kept


@router.get("/tariffs", response_model=list[Tariff])
async def get_tariffs(resources: ResourcesDep) -> Any:
    """The tariffs of our own chargers."""
    return Json(await every_tariff(resources))


async def every_tariff(resources: Resources) -> list[dict[str, Any]]:
    """The tariffs of our own chargers."""
    async with resources.unit_of_work() as db:
        return [wire_json.loads(text) for text in await tariffs.every(db)]


@router.delete("/tariffs/{tariff_id}", status_code=204)
async def delete_tariff(tariff_id: str, resources: ResourcesDep) -> None:
    """Take a tariff away; refused while a charger uses it."""
    await remove_tariff(resources, tariff_id)


async def remove_tariff(resources: Resources, tariff_id: str) -> None:
    """Take a tariff away; refused while a charger uses it. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        if not await tariffs.delete(resources, tariff_id, db):
            raise not_found("tariff", tariff_id)
