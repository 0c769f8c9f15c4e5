"""The objects of a page into the store: kept and owed like pushed ones, and only when they really changed.

What is older than what is kept never takes its place. A bad object is written down with its reason and skipped
(transport_and_format, GET: "at least process the correct OCPI objects").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery import publish
from ocpi_hub.delivery.publish import Written
from ocpi_hub.delivery.pulling import book
from ocpi_hub.delivery.pulling.book import MOST_PROBLEMS, Task
from ocpi_hub.dialects.speaking import heard
from ocpi_hub.objects.kinds import Kind
from ocpi_hub.objects.patch import Document
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.ends import serves
from ocpi_hub.wire.errors import InvalidParameters, OcpiError
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import InterfaceRole

log = structlog.get_logger()


class Keeper(Protocol):
    """How the objects of a kind are kept where that is more than keeping: CDRs are judged first (clearing/).

    Gives what was written, None for what is older than what is kept. Raises OcpiError for a bad object; NotKept
    where something that must be committed says why.
    """

    async def __call__(
        self,
        db: AsyncSession,
        resources: Resources,
        kind: Kind,
        *,
        owner: PartyId,
        document: Document,
        source: str,
        correlation_id: str,
    ) -> "Written | NotKept | None": ...


@dataclass(frozen=True, slots=True)
class NotKept:
    """An object that was judged and is not kept; the judgement is on record, so nothing is rolled back."""

    reason: str


KEEPERS: dict[Kind, Keeper] = {}


def keeps(kind: Kind) -> Callable[[Keeper], Keeper]:
    """Keep the pulled objects of a kind with this function."""

    def register(keeper: Keeper) -> Keeper:
        KEEPERS[kind] = keeper
        return keeper

    return register


async def keep(db: AsyncSession, resources: Resources, task: Task, objects: Sequence[Any]) -> None:
    """Keep a page in the caller's transaction, each object in a savepoint of its own; count in the task's run."""
    run, seen = task.run, []
    for index, thing in enumerate(objects):
        run.objects += 1
        try:
            async with db.begin_nested():
                found = await _keep_one(db, resources, task, thing)
        except OcpiError as error:
            found = NotKept(error.message)
        except DBAPIError as error:
            found = NotKept(f"cannot be kept ({type(error.orig).__name__})")
        _count(task, index, thing, found)
        if run.full and (named := _key(task, thing)) is not None:
            seen.append(named)
    if run.full:
        assert run.id is not None
        await book.mark_seen(db, run.id, sorted(set(seen)))


async def _keep_one(db: AsyncSession, resources: Resources, task: Task, thing: Any) -> Written | NotKept | None:
    """Keep one object. Raises OcpiError for a bad one."""
    if not isinstance(thing, dict):
        raise InvalidParameters("it is no JSON object")
    document = heard(thing, task.kind.model, task.profile)
    owner = await _owner(resources, task, document)
    keeper = KEEPERS.get(task.kind, _keep)
    return await keeper(
        db,
        resources,
        task.kind,
        owner=owner,
        document=document,
        source=task.platform.id,
        correlation_id=task.run.correlation_id,
    )


async def _keep(
    db: AsyncSession,
    resources: Resources,
    kind: Kind,
    *,
    owner: PartyId,
    document: Document,
    source: str,
    correlation_id: str,
) -> Written | None:
    return await publish.offer(
        db,
        kind,
        owner=owner,
        document=document,
        source=source,
        at=resources.clock(),
        correlation_id=correlation_id,
    )


async def _owner(resources: Resources, task: Task, document: Document) -> PartyId:
    """The object's owner as it registered itself. Raises InvalidParameters when it is not a party of this platform."""
    owner = task.kind.owner_of(document)
    for entry in (await resources.one(Directory).now()).parties_of(task.platform.id):
        if entry.party == owner and serves(entry.role, task.kind.module, InterfaceRole.SENDER):
            return entry.party
    raise InvalidParameters(f"country_code, party_id: {owner} is no {task.kind.owner.value} of this platform")


def _key(task: Task, thing: Any) -> tuple[str, str] | None:
    """What a listed object is kept under, also when it is bad: it has not vanished."""
    try:
        return task.kind.owner_of(thing).key, task.kind.object_key(thing)
    except (OcpiError, KeyError, TypeError, AttributeError):
        return None


def _count(task: Task, index: int, thing: Any, found: Written | NotKept | None) -> None:
    """Count what became of an object; of a bad one keep why. A token's uid stays out: it may be a driver's card."""
    run = task.run
    match found:
        case None:
            run.older += 1
        case NotKept(reason):
            run.bad += 1
            typed = task.kind.typed or not isinstance(thing, dict)
            named = None if typed else str(thing.get(task.kind.key_field))[:40]
            if len(run.problems) < MOST_PROBLEMS:
                problem = {"page": run.pages, "index": index, "object": named, "reason": reason[:500]}
                run.problems = [*run.problems, problem]
            where = {"platform": task.platform.id, "module": str(task.kind)}
            log.warning("pull.bad_object", **where, object=named, reason=reason[:500])
        case Written(created=True):
            run.new += 1
        case Written(changed=True):
            run.changed += 1
        case Written():
            run.same += 1
