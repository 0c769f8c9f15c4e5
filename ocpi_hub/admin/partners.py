"""Partners for operators: invite, connect, look, suspend, resume, rotate, remove."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from ocpi_hub.admin.answers import AdminError, Json, ResourcesDep, not_found
from ocpi_hub.admin.pulling import summary
from ocpi_hub.admin.shapes import InvitedAnswer, PartnerAnswer, PartnerDetails
from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery.tables import Attempt, Owed
from ocpi_hub.partners import handshake, register
from ocpi_hub.partners.exploring import HandshakeFailed

router = APIRouter(default_response_class=Json)


class PartyBody(BaseModel):
    """A party that may register with an invitation."""

    country_code: str = Field(min_length=2, max_length=2)
    party_id: str = Field(min_length=3, max_length=3)
    role: str


class InviteBody(BaseModel):
    """A partner to invite."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    parties: list[PartyBody] = Field(default_factory=list)


class ConnectBody(BaseModel):
    """A partner to register with."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    versions_url: str = Field(min_length=1, max_length=255)
    credentials_token: str = Field(min_length=1, max_length=64)

    @field_validator("versions_url")
    @classmethod
    def _of_the_web(cls, url: str) -> str:
        if not url.lower().startswith(("https://", "http://")):
            raise ValueError("must begin with https:// or http://")
        return url


class ChangeBody(BaseModel):
    """What may be changed of a partner."""

    model_config = ConfigDict(extra="forbid")

    suspended: bool | None = None
    profile: dict[str, Any] | None = None


async def invite(resources: Resources, body: InviteBody) -> dict[str, Any]:
    """A partner and its credentials token, which is shown this once; one that is here already is invited again.

    What is in force stays so until the new invitation is used. Raises AdminError 409 when the name is another's too.
    """
    async with resources.unit_of_work() as db:
        named = [p for p in await register.list_partners(db) if p["name"].casefold() == body.name.strip().casefold()]
        if named and body.parties:
            raise AdminError(409, "exists", f"there is a partner {body.name}: invite it again without parties")
        if named:
            invitation = await register.invite_again(db, resources, await resolve(db, body.name.strip()))
        else:
            parties = [party.model_dump() for party in body.parties]
            invitation = await register.invite(db, resources, name=body.name, parties=parties)
    return {
        "id": invitation.platform_id,
        "name": invitation.name,
        "status": named[0]["status"] if named else "PLANNED",
        "versions_url": invitation.versions_url,
        "credentials_token": invitation.credentials_token,
    }


async def connect(resources: Resources, body: ConnectBody) -> dict[str, Any]:
    """Register with a partner. Raises AdminError 502 with the step that failed and what the partner answered."""
    try:
        platform_id = await handshake.connect(resources, body.name, body.versions_url, body.credentials_token)
    except HandshakeFailed as failure:
        raise AdminError(502, "handshake_failed", str(failure), details=failure.details) from None
    return await show(resources, platform_id)


async def every(resources: Resources) -> list[dict[str, Any]]:
    """All partners by name."""
    async with resources.unit_of_work() as db:
        partners = await register.list_partners(db)
        owed = await _owed(db)
    return [partner | owed.get(partner["id"], _NOTHING) for partner in partners]


async def show(resources: Resources, partner: str) -> dict[str, Any]:
    """One partner, by its id or its name, with its last errors. Raises AdminError 404 or 409."""
    async with resources.unit_of_work() as db:
        platform_id = await resolve(db, partner)
        document = await register.show(db, platform_id)
        failed = (
            select(Attempt)
            .where(Attempt.platform_id == platform_id, Attempt.outcome != "told")
            .order_by(col(Attempt.id).desc())
            .limit(10)
        )
        errors = [attempt.model_dump(exclude={"id", "platform_id"}) for attempt in await db.scalars(failed)]
        owed = await _owed(db)
        pull = await summary(db, platform_id)
    return document | owed.get(platform_id, _NOTHING) | {"last_errors": errors, "pull": pull}


_NOTHING: dict[str, Any] = {"owed": 0, "oldest_owed": None, "given_up": 0}


async def _owed(db: AsyncSession) -> dict[str, dict[str, Any]]:
    """How much each partner is owed, since when, and how much was given up."""
    open_debts = func.count().filter(col(Owed.dead_at).is_(None))
    oldest = func.min(Owed.owed_since).filter(col(Owed.dead_at).is_(None))
    dead = func.count().filter(col(Owed.dead_at).is_not(None))
    query = select(Owed.platform_id, open_debts, oldest, dead).group_by(Owed.platform_id)
    rows = (await db.execute(query)).all()
    return {row[0]: {"owed": row[1], "oldest_owed": row[2], "given_up": row[3]} for row in rows}


async def resolve(db: AsyncSession, partner: str) -> str:
    """A partner's id from its id or its name. Raises AdminError 404, or 409 when two have that name."""
    partners = await register.list_partners(db)
    found = [p["id"] for p in partners if p["id"] == partner] or [
        p["id"] for p in partners if p["name"].casefold() == partner.casefold()
    ]
    if not found:
        raise not_found("partner", partner)
    if len(found) > 1:
        raise AdminError(
            409, "ambiguous", f"{len(found)} partners are named {partner}: use an id of `partner list`", details=found
        )
    return str(found[0])


async def change(resources: Resources, partner: str, body: ChangeBody) -> dict[str, Any]:
    """Suspend or resume a partner, or set its interop profile. Raises AdminError 404 or 409."""
    async with resources.unit_of_work() as db:
        platform_id = await resolve(db, partner)
        try:
            if body.suspended is not None:
                turn = register.suspend if body.suspended else register.resume
                await turn(db, resources, platform_id)
        except register.NotRegistered as error:
            raise AdminError(409, "not_registered", str(error)) from None
        if body.profile is not None:
            await register.set_profile(db, resources, platform_id, body.profile)
    return await show(resources, platform_id)


async def rotate(resources: Resources, partner: str) -> dict[str, Any]:
    """New credentials tokens in both directions. Raises AdminError 404 or 502."""
    async with resources.unit_of_work() as db:
        platform_id = await resolve(db, partner)
    try:
        await handshake.rotate(resources, platform_id)
    except HandshakeFailed as failure:
        raise AdminError(502, "handshake_failed", str(failure), details=failure.details) from None
    return await show(resources, platform_id)


async def remove(resources: Resources, partner: str) -> None:
    """Tell a partner that the connection ends, as well as it goes, and forget it. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        platform_id = await resolve(db, partner)
    await handshake.disconnect(resources, platform_id)
    async with resources.unit_of_work() as db:
        await register.remove(db, resources, platform_id)


@router.post("/partners", response_model=InvitedAnswer, status_code=201)
async def post_partner(body: InviteBody, resources: ResourcesDep) -> Any:
    """Invite a partner."""
    return Json(await invite(resources, body), status_code=201)


@router.post("/partners/connect", response_model=PartnerDetails, status_code=201)
async def post_connect(body: ConnectBody, resources: ResourcesDep) -> Any:
    """Register with a partner, we as the initiating side."""
    return Json(await connect(resources, body), status_code=201)


@router.get("/partners", response_model=list[PartnerAnswer])
async def get_partners(resources: ResourcesDep) -> Any:
    """All partners."""
    return Json(await every(resources))


@router.get("/partners/{partner}", response_model=PartnerDetails)
async def get_partner(partner: str, resources: ResourcesDep) -> Any:
    """One partner."""
    return Json(await show(resources, partner))


@router.patch("/partners/{partner}", response_model=PartnerDetails)
async def patch_partner(partner: str, body: ChangeBody, resources: ResourcesDep) -> Any:
    """Suspend, resume, or set the interop profile."""
    return Json(await change(resources, partner, body))


@router.delete("/partners/{partner}", status_code=204)
async def delete_partner(partner: str, resources: ResourcesDep) -> None:
    """End the connection and forget the partner."""
    await remove(resources, partner)


@router.post("/partners/{partner}/rotate", response_model=PartnerDetails)
async def post_rotate(partner: str, resources: ResourcesDep) -> Any:
    """New credentials tokens in both directions."""
    return Json(await rotate(resources, partner))
