"""One run through a partner's list: a page by HTTP, then a transaction that keeps it, until the list ends.

Database and network never meet in one function. A list that has no end, repeats itself or is no list is given up,
with what came so far kept and the reason in the run.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import structlog

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.delivery.pulling import book, vanishing
from ocpi_hub.delivery.pulling.book import LeaseLost, Task
from ocpi_hub.delivery.pulling.keeping import keep
from ocpi_hub.delivery.pulling.pages import Onward, Place, count_of, onward
from ocpi_hub.dialects.speaking import slash_learned
from ocpi_hub.partners.client import PartnerClient, Refused, Told, Unreachable
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.journal import About
from ocpi_hub.partners.learning import learn
from ocpi_hub.partners.origins import host_of
from ocpi_hub.partners.presence import heard_from
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.json import dumps
from ocpi_hub.wire.parties import InterfaceRole

log = structlog.get_logger()

SLACK = 1000
"""How many objects more than twice its own X-Total-Count a list may have, for one that grows meanwhile."""


@dataclass(frozen=True, slots=True)
class Failed:
    """No page: why, and how long the partner wants to be left alone, in seconds."""

    reason: str
    retry_after: float | None = None


@dataclass(slots=True)
class Crawl:
    """What one process remembers of the run that it does, to notice that it goes in circles."""

    pages: set[bytes] = field(default_factory=set)
    urls: set[str] = field(default_factory=set)


async def run(resources: Resources, task: Task) -> None:
    """Do a run to its end, or until another process has it."""
    crawl = Crawl()
    try:
        while await _page(resources, task, crawl):
            pass
    except LeaseLost:
        log.warning("pull.lease_lost", platform=task.platform.id, module=str(task.kind))
    except asyncio.CancelledError:
        async with resources.unit_of_work() as db:
            await book.release(db, task)
        raise


async def _page(resources: Resources, task: Task, crawl: Crawl) -> bool:
    """One page; whether the list goes on. Raises LeaseLost."""
    found = await fetch(resources, task)
    if isinstance(found, Failed):
        await _finish(resources, task, error=found.reason, retry_after=found.retry_after)
        return False
    await heard_from(resources, task.platform.id)
    objects = found.answer.data if found.answer.data is not None else []
    if not isinstance(objects, list):
        await _finish(resources, task, error="the answer's data is no list")
        return False
    task.run.pages += 1
    place = Place(task.url, task.run.objects, task.own)
    next_ = onward(place, found.headers, found=len(objects), profile=task.profile)
    circles = _circles(task, crawl, objects, next_, most_pages=resources.settings.pull_most_pages)
    _note(resources, task, found, next_)
    async with resources.unit_of_work() as db:
        await book.hold(db, task, objects=len(objects), at=resources.clock())
    facts = dict(next_.learned)
    if (slash := slash_learned(place.url, found.url)) is not None:
        facts["trailing_slash"] = slash
    async with resources.unit_of_work() as db:
        if facts:  # first, for it locks the platform: so locks come in the same order as when its status changes
            await learn(db, resources, task.platform.id, facts, how=_how(task, next_))
        await keep(db, resources, task, objects)
        await book.advance(db, task, next_.url, at=resources.clock())
    if circles is not None or next_.url is None:
        await _finish(resources, task, error=circles)
        return False
    return True


async def fetch(resources: Resources, task: Task) -> Told | Failed:
    """GET the page where the run is."""
    if not task.own.has(task.url):  # the partner has moved since the last page
        return Failed(f"the next page is at {host_of(task.url)}, which is not the partner's own host any more")
    try:
        token = Vault.of(resources.settings).unseal(task.platform.their_credentials_token or "")
    except ValueError as error:
        return Failed(str(error))
    result = await resources.one(PartnerClient).call(
        "GET",
        task.url,
        credentials_token=token,
        encoding=task.profile.token_encoding,
        platform_id=task.platform.id,
        routing=await _routing(resources, task),
        correlation_id=task.run.correlation_id,
        profile=task.profile,
        about=About("pull", str(task.kind), InterfaceRole.SENDER.value),
    )
    match result:
        case Told():
            return result
        case Refused(message=message):
            return Failed(message)
        case Unreachable(reason=reason, retry_after=retry_after):
            return Failed(reason, retry_after)


def _how(task: Task, next_: Onward) -> str:
    if next_.foreign is None:
        return f"a page of {task.kind}"
    return f"a page of {task.kind} with a link to {next_.foreign}, which is not its own host"


async def _routing(resources: Resources, task: Task) -> Routing:
    """From the hub, to the owner where the platform has only one: a list of all of its parties is for none of them."""
    snapshot = await resources.one(Directory).now()
    parties = {entry.party for entry in snapshot.parties_of(task.platform.id)}
    to = parties.pop() if len(parties) == 1 else None
    settings = resources.settings
    return Routing(to=to, from_=PartyId(settings.country_code, settings.party_id))


def _circles(task: Task, crawl: Crawl, objects: list[Any], next_: Onward, *, most_pages: int) -> str | None:
    """Why this list is no list any more; None while it is one. Sets the flag that says so."""
    run, digest = task.run, blake2b(dumps(objects).encode(), digest_size=16).digest()
    repeats = (objects and digest in crawl.pages) or next_.url in crawl.urls
    crawl.pages.add(digest)
    crawl.urls.add(task.url)
    so_far = run.objects + len(objects)
    if repeats:
        next_.flags.add("repeats")
        return "its pages repeat"
    if next_.url is not None and run.pages >= most_pages:
        next_.flags.add("endless")
        return f"more than {most_pages} pages (OCPI_HUB_PULL_MOST_PAGES)"
    if run.total is not None and so_far > 2 * run.total + SLACK:
        next_.flags.add("endless")
        return f"{so_far} objects, though X-Total-Count says {run.total}"
    return None


def _note(resources: Resources, task: Task, found: Told, next_: Onward) -> None:
    """What the page says of the whole list goes into its run."""
    run = task.run
    total = count_of(found.headers, "x-total-count")
    run.total = total if total is not None else run.total
    run.flags = sorted({*run.flags, *next_.flags} | (set() if total is not None else {"no_total"}))
    said = found.answer.timestamp
    if run.watermark is None:
        # Its own clock, where that is a clock: what changes while we read is found again by the next run.
        near = said is not None and abs(said - run.began_at) < timedelta(days=1)
        run.watermark = min(said, run.began_at) if near and said is not None else run.began_at


async def _finish(
    resources: Resources, task: Task, *, error: str | None = None, retry_after: float | None = None
) -> None:
    run, at = task.run, resources.clock()
    async with resources.unit_of_work() as db:
        if error is None and run.full and vanishing.tells(task):
            run.vanished = await vanishing.note(db, task, at=at)
        elif error is None and run.full and run.total is not None and run.objects < run.total:
            run.flags = sorted({*run.flags, "incomplete"})
        await book.finish(db, task, resources.settings, error=error, at=at, retry_after=retry_after)
    _say(task, error)


def _say(task: Task, error: str | None) -> None:
    run = task.run
    counts: Mapping[str, Any] = run.model_dump(
        include={"pages", "objects", "new", "changed", "same", "older", "bad", "vanished", "flags"}
    )
    where = {"platform": task.platform.id, "module": str(task.kind), "full": run.full, "why": run.why}
    if error is None:
        log.info("pull.done", **where, **counts)
    else:
        log.warning("pull.failed", **where, **counts, reason=error)
