"""Our own chargers for operators: add, look at, change, call, remove."""

import re
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.port import (
    ChargerBook,
    ChargerPort,
    ChargerRecord,
    DeviceBook,
    Outcome,
    OutcomeStatus,
    RawCall,
    TransactionFilter,
)
from ocpi_hub.admin import device_asking, known, local_lists, profiles
from ocpi_hub.admin.answers import AdminError, Json, ResourcesDep, not_found
from ocpi_hub.admin.charger_shapes import AddedCharger, CallAnswer, ChargerAnswer, FrameAnswer
from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import new_secret
from ocpi_hub.chargers import lists, placing, removing
from ocpi_hub.chargers.tables import ChargerEvse, ChargerPlacement
from ocpi_hub.wire.headers import PartyId

router = APIRouter(default_response_class=Json)


def _keeps(pattern: str, rule: str) -> AfterValidator:
    """A text that keeps one rule, which is told whole whatever of it was broken."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise PydanticCustomError("text_rule", "must be {rule}", {"rule": rule})
        return value

    return AfterValidator(check)


def _described(**schema: Any) -> Any:
    return Field(json_schema_extra=schema)


Id = Annotated[
    str,
    _keeps(r"[A-Za-z0-9*\-_=:+|@.]{1,48}", "1 to 48 letters, digits or * - _ = : + | @ ."),
    _described(minLength=1, maxLength=48, pattern=r"^[A-Za-z0-9*\-_=:+|@.]+$"),
]
Password = Annotated[
    str,
    _keeps(r"[!-~]{8,64}", "8 to 64 printable ASCII characters without spaces"),
    _described(minLength=8, maxLength=64, pattern=r"^[!-~]+$"),
]


class PartyBody(BaseModel):
    """A party by its two codes."""

    country_code: str = Field(min_length=2, max_length=2)
    party_id: str = Field(min_length=3, max_length=3)


class NewChargerBody(BaseModel):
    """A charger to add. `location` is an OCPI Location without EVSEs; one that exists is joined by its id."""

    model_config = ConfigDict(extra="forbid")

    id: Id
    password: Password | None = None
    security_profile: int = Field(1, ge=0, le=3)
    party: PartyBody | None = None
    location: dict[str, Any] | None = None
    evses: list[dict[str, Any]] = Field(default_factory=list)
    tariff_ids: list[str] = Field(default_factory=list)


class ItemsBody(BaseModel):
    """How many variables a charger takes in one message, where it does not say so itself, or says it wrongly."""

    model_config = ConfigDict(extra="forbid")

    get_variables: int | None = Field(None, ge=1, le=1000)
    set_variables: int | None = Field(None, ge=1, le=1000)


class ChangeBody(BaseModel):
    """What may be changed of a charger."""

    model_config = ConfigDict(extra="forbid")

    password: Password | None = None
    security_profile: int | None = Field(None, ge=0, le=3)
    location: dict[str, Any] | None = None
    tariff_ids: list[str] | None = None
    boot_status: Literal["Accepted", "Pending", "Rejected"] | None = None
    items_per_message: ItemsBody | None = None
    local_list: bool | None = Field(None, description="Whether the charger has a local authorization list")


class CallBody(BaseModel):
    """Any OCPP call of the version that the charger speaks; `timeout` in seconds."""

    model_config = ConfigDict(extra="forbid")

    action: str = Field(min_length=1, max_length=50)
    payload: dict[str, Any] = Field(default_factory=dict)
    timeout: float | None = Field(None, gt=0, le=300)


async def add(resources: Resources, body: NewChargerBody) -> dict[str, Any]:
    """Register and place a charger. A password that we made is in the answer, this once. Raises AdminError 409."""
    made = new_secret()[:32] if body.password is None and body.security_profile in (1, 2) else None
    party = PartyId(body.party.country_code, body.party.party_id) if body.party else None
    new = placing.NewPlace(
        id=body.id,
        password=body.password or made,
        security_profile=body.security_profile,
        party=party,
        location=body.location,
        evses=body.evses,
        tariff_ids=body.tariff_ids,
    )
    try:
        async with resources.unit_of_work() as db:
            await placing.add(resources, new, db)
            document = await _shown(resources, body.id, db)
    except KeyError:
        raise AdminError(409, "exists", f"there is a charger {body.id} already") from None
    document["url"] = f"{resources.settings.ocpp_url}/ocpp/{body.id}"
    if made is not None:
        document["password"] = made
    return document


async def every(resources: Resources) -> list[dict[str, Any]]:
    """All chargers."""
    async with resources.unit_of_work() as db:
        book = resources.get(ChargerBook)  # type: ignore[type-abstract]
        running: dict[str, list[str]] = {}
        for transaction in await book.transactions(TransactionFilter(active=True, limit=10_000), db):
            running.setdefault(transaction.charger_id.lower(), []).append(transaction.id)
        return [
            await _document(record, db, running=running.get(record.id.lower(), []))
            for record in await book.chargers(db)
        ]


async def show(resources: Resources, charger_id: str) -> dict[str, Any]:
    """One charger. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        return await _shown(resources, charger_id, db)


async def _shown(resources: Resources, charger_id: str, db: AsyncSession) -> dict[str, Any]:
    book = resources.get(ChargerBook)  # type: ignore[type-abstract]
    record = await book.charger(charger_id, db)
    if record is None:
        raise not_found("charger", charger_id)
    active = await book.transactions(TransactionFilter(charger_id=charger_id, active=True), db)
    document = await _document(record, db, running=[transaction.id for transaction in active])
    document["warnings"] += profiles.unreachable(resources.settings, record.security_profile)
    return document


async def _document(record: ChargerRecord, db: AsyncSession, *, running: list[str]) -> dict[str, Any]:
    placement = await placing.find(db, record.id)
    evses = await placing.evses_of(db, record.id.lower()) if placement else ()
    missing = await placing.missing_tariffs(db, placing.owner_of(placement), placement.tariff_ids) if placement else []
    return {
        "id": record.id,
        "online": record.online,
        "last_seen_at": record.last_seen_at,
        "ocpp_version": (record.protocol or "").removeprefix("ocpp") or None,
        "vendor": record.vendor,
        "model": record.model,
        "serial_number": record.serial_number,
        "firmware_version": record.firmware_version,
        "security_profile": record.security_profile,
        "certificate_serial": record.certificate_serial,
        "boot_status": record.boot_status,
        "boot_answer": record.boot_answer,
        "boot_reason": record.boot_reason,
        "booted_at": record.booted_at,
        "items_per_message": dict(record.items_per_message),
        "local_list": await local_lists.local_list(db, record.id),
        "party": _party(placement),
        "location_id": placement.location_id if placement else None,
        "tariff_ids": placement.tariff_ids if placement else [],
        "evses": [_evse(record, number, {e.evse_id: e for e in evses}) for number in _numbers(record, evses)],
        "transactions": running,
        "quirks": list(record.quirks),
        "warnings": [f"there is no tariff {name}: until there is, charging is free of charge" for name in missing],
    }


def _party(placement: ChargerPlacement | None) -> dict[str, str] | None:
    if placement is None:
        return None
    return {"country_code": placement.country_code, "party_id": placement.party_id}


def _numbers(record: ChargerRecord, evses: Any) -> list[int]:
    return sorted({evse.evse_id for evse in evses} | {c.evse_id for c in record.connectors if c.evse_id > 0})


def _evse(record: ChargerRecord, number: int, placed: dict[int, ChargerEvse]) -> dict[str, Any]:
    place = placed.get(number)
    return {
        "evse_id": number,
        "uid": place.uid if place else None,
        "status": place.status if place else None,
        "connectors": [
            {
                "connector_id": c.connector_id,
                "status": c.status,
                "error_code": c.error_code,
                "changed_at": c.changed_at,
            }
            for c in record.connectors
            if c.evse_id == number
        ],
    }


async def call(resources: Resources, charger_id: str, body: CallBody) -> dict[str, Any]:
    """Send any call and wait for the charger's own answer. Raises AdminError 404, 409, 422 or 504."""
    await known.charger(resources, charger_id)
    within = timedelta(seconds=body.timeout or resources.settings.charger_timeout)
    outcome = await resources.get(ChargerPort).ask(  # type: ignore[type-abstract]
        charger_id, RawCall(body.action, body.payload), within=within
    )
    return _call_answer(charger_id, body, outcome)


def _call_answer(charger_id: str, body: CallBody, outcome: Outcome) -> dict[str, Any]:
    if outcome.error is not None:
        return {"error": dict(outcome.error)}
    if outcome.payload is not None:
        return {"result": dict(outcome.payload)}
    if outcome.status is OutcomeStatus.OFFLINE:
        raise AdminError(409, "charger_offline", f"{charger_id} is not connected")
    if outcome.status is OutcomeStatus.TIMEOUT:
        raise AdminError(504, "no_answer", f"{charger_id} did not answer {body.action} in time")
    if outcome.status is OutcomeStatus.NOT_SUPPORTED:
        raise AdminError(422, "unknown_action", outcome.detail or f"the charger's version has no {body.action}")
    if outcome.status is not OutcomeStatus.INVALID:
        raise AdminError(502, "not_asked", outcome.detail or f"{charger_id} could not be asked")
    raise AdminError(422, "invalid_payload", outcome.detail or f"the payload breaks the schema of {body.action}")


async def change(resources: Resources, charger_id: str, body: ChangeBody) -> dict[str, Any]:
    """Another password or security profile, other tariffs, other facts of the location. Raises AdminError 404, 422."""
    async with resources.unit_of_work() as db:
        # The bridge's row before ours, as in all that chargers say: two orders of locking would be a deadlock.
        if body.password is not None:
            await resources.get(ChargerBook).set_password(charger_id, body.password, db)  # type: ignore[type-abstract]
        if body.security_profile is not None:
            await profiles.set_profile(resources, charger_id, body.security_profile, db)
        await _change_device(resources, charger_id, body, db)
        changed = await placing.change(resources, charger_id, db, tariff_ids=body.tariff_ids, location=body.location)
        if changed is None:
            raise not_found("charger", charger_id)
        document = await _shown(resources, charger_id, db)
    if body.boot_status is not None:
        await device_asking.attend(resources, charger_id)
    return document


async def _change_device(resources: Resources, charger_id: str, body: ChangeBody, db: AsyncSession) -> None:
    book = resources.get(DeviceBook)  # type: ignore[type-abstract]
    try:
        if body.boot_status is not None:
            await book.set_boot_status(charger_id, body.boot_status, db)
        if body.items_per_message is not None:
            limits = body.items_per_message.model_dump(exclude_none=True)
            await book.set_items_per_message(charger_id, limits, db)
        if body.local_list is not None:
            await lists.switch(db, charger_id, body.local_list, at=resources.clock())
    except KeyError:
        raise not_found("charger", charger_id) from None


async def remove(resources: Resources, charger_id: str) -> None:
    """Take a charger away; its EVSEs become REMOVED at partners. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        if not await removing.remove(resources, charger_id, db):
            raise not_found("charger", charger_id)


@router.post("/chargers", response_model=AddedCharger, status_code=201)
async def post_charger(body: NewChargerBody, resources: ResourcesDep) -> Any:
    """Add a charger."""
    return Json(await add(resources, body), status_code=201)


@router.get("/chargers", response_model=list[ChargerAnswer])
async def get_chargers(resources: ResourcesDep) -> Any:
    """All chargers with their connectors and running transactions."""
    return Json(await every(resources))


@router.get("/chargers/{charger_id}", response_model=ChargerAnswer)
async def get_charger(charger_id: str, resources: ResourcesDep) -> Any:
    """One charger."""
    return Json(await show(resources, charger_id))


@router.patch("/chargers/{charger_id}", response_model=ChargerAnswer)
async def patch_charger(charger_id: str, body: ChangeBody, resources: ResourcesDep) -> Any:
    """Change a charger."""
    return Json(await change(resources, charger_id, body))


@router.delete("/chargers/{charger_id}", status_code=204)
async def delete_charger(charger_id: str, resources: ResourcesDep) -> None:
    """Remove a charger."""
    await remove(resources, charger_id)


@router.post("/chargers/{charger_id}/calls", response_model=CallAnswer)
async def post_call(charger_id: str, body: CallBody, resources: ResourcesDep) -> Any:
    """Any OCPP call; the answer is the charger's own."""
    return Json(await call(resources, charger_id, body))


@router.get("/chargers/{charger_id}/messages", response_model=list[FrameAnswer])
async def get_messages(
    charger_id: str, resources: ResourcesDep, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Any:
    """The charger's OCPP frames, newest first, secrets masked."""
    await known.charger(resources, charger_id)
    async with resources.unit_of_work() as db:
        frames = await resources.get(ChargerBook).frames(charger_id, db, limit=limit)  # type: ignore[type-abstract]
    return Json([asdict(frame) for frame in frames])
