"""The journal for operators: what was said, found by who, whom, when and how it ended; and the story of one message."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, func, or_, select
from sqlmodel import col

from ocpi_hub.admin.answers import Json, ResourcesDep, not_found
from ocpi_hub.admin.partners import resolve
from ocpi_hub.admin.shapes import MessageAnswer, StoryAnswer
from ocpi_hub.base.resources import Resources
from ocpi_hub.partners.journal import CHECK, RULES
from ocpi_hub.partners.tables import Message, MessageBody, Platform
from ocpi_hub.wire.headers import PartyId

router = APIRouter(default_response_class=Json)

FAILED = "failed"
LONGEST_STORY = 1000


class Search(BaseModel):
    """What is looked for. `party` is NL/ABC, on either side; `platform` a partner's id or name; `status` an HTTP
    status, an OCPI status, or `failed`. `before` goes on from a page: only what is older than that message. What
    `partner check` asked on purpose is left out unless `checks`, the rule or the correlation id asks for it."""

    model_config = ConfigDict(extra="forbid")

    correlation_id: str | None = None
    party: str | None = None
    platform: str | None = None
    module: str | None = None
    status: str | None = Field(None, pattern=r"^(\d{3,4}|failed)$")
    rule: Literal[RULES] | None = None  # type: ignore[valid-type]
    checks: bool = False
    date_from: AwareDatetime | None = None
    date_to: AwareDatetime | None = None
    before: UUID | None = None
    limit: int = Field(100, ge=1, le=1000)


async def search(resources: Resources, wanted: Search) -> list[dict[str, Any]]:
    """Notes of the journal, newest first, without bodies. Raises AdminError 404 or 409 for the partner."""
    async with resources.unit_of_work() as db:
        platform_id = await resolve(db, wanted.platform) if wanted.platform is not None else None
        query = select(Message, col(Platform.name)).join(
            Platform, col(Platform.id) == col(Message.platform_id), isouter=True
        )
        query = query.where(*_conditions(wanted, platform_id)).order_by(col(Message.id).desc()).limit(wanted.limit)
        return [document(message, name) for message, name in (await db.execute(query)).all()]


def _conditions(wanted: Search, platform_id: str | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for column, value in (
        (col(Message.correlation_id), wanted.correlation_id),
        (col(Message.platform_id), platform_id),
        (col(Message.module), wanted.module.lower() if wanted.module else None),
        (col(Message.rule), wanted.rule),
    ):
        if value is not None:
            found.append(column == value)
    if not wanted.checks and wanted.rule is None and wanted.correlation_id is None:
        found.append(col(Message.rule) != CHECK)
    if wanted.party is not None:
        key = PartyId.parse(wanted.party).key
        found.append(or_(func.lower(col(Message.from_party)) == key, func.lower(col(Message.to_party)) == key))
    if wanted.status == FAILED:
        http, ocpi = col(Message.http_status), col(Message.ocpi_status)
        found.append(or_(http.is_(None), http >= 300, ocpi.is_(None), ocpi < 1000, ocpi >= 2000))
    elif wanted.status is not None:
        status = int(wanted.status)
        found.append((col(Message.ocpi_status) if status >= 1000 else col(Message.http_status)) == status)
    if wanted.date_from is not None:
        found.append(col(Message.at) >= wanted.date_from)
    if wanted.date_to is not None:
        found.append(col(Message.at) < wanted.date_to)
    if wanted.before is not None:
        found.append(col(Message.id) < wanted.before)
    return found


async def story(resources: Resources, correlation_id: str) -> dict[str, Any]:
    """Everything that was said under one correlation id, in order, with what is kept of the bodies. Raises AdminError
    404."""
    query = (
        select(Message, col(Platform.name), MessageBody)
        .join(Platform, col(Platform.id) == col(Message.platform_id), isouter=True)
        .join(MessageBody, col(MessageBody.id) == col(Message.id), isouter=True)
        .where(col(Message.correlation_id) == correlation_id)
        .order_by(col(Message.at), col(Message.id))
        .limit(LONGEST_STORY)
    )
    async with resources.unit_of_work() as db:
        rows: Sequence[Any] = (await db.execute(query)).all()
    if not rows:
        raise not_found("message with the correlation id", correlation_id)
    messages = [
        document(message, name)
        | {"request_body": body.request if body else None, "response_body": body.response if body else None}
        for message, name, body in rows
    ]
    return {"correlation_id": correlation_id, "messages": messages}


def document(message: Message, platform: str | None) -> dict[str, Any]:
    """A note as operators see it."""
    return {
        "id": str(message.id),
        "at": message.at,
        "direction": message.direction,
        "rule": message.rule,
        "from": message.from_party,
        "to": message.to_party,
        "platform": {"id": message.platform_id, "name": platform} if message.platform_id else None,
        "module": message.module or None,
        "interface": message.interface or None,
        "method": message.method,
        "path": message.path,
        "http_status": message.http_status,
        "ocpi_status": message.ocpi_status,
        "milliseconds": message.milliseconds,
        "reason": message.reason,
        "request_id": message.request_id,
        "request_id_in": message.request_id_in,
        "correlation_id": message.correlation_id,
    }


@router.get("/messages", response_model=list[MessageAnswer])
async def get_messages(resources: ResourcesDep, wanted: Annotated[Search, Query()]) -> Any:
    """The journal, newest first. X-Next is the `before` of the next page, where there may be one."""
    found = await search(resources, wanted)
    more = {"X-Next": str(found[-1]["id"])} if len(found) == wanted.limit else {}
    return Json(found, headers=more)


@router.get("/messages/{correlation_id:path}", response_model=StoryAnswer)
async def get_story(correlation_id: str, resources: ResourcesDep) -> Any:
    """Everything that was said under one correlation id, in order, with what is kept of the bodies."""
    return Json(await story(resources, correlation_id))
