"""The jobs of delivery: drain one platform, ask a silent one whether it is there, and the sweep that starts both.

A job may be lost or run twice: what is due stands in the rows, and the sweep of the next second finds it.
"""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.jobs import job, ring_after_commit, scheduled
from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery import agreeing, announcing, giving_up, outages, outbox, probing
from ocpi_hub.delivery.letters import Called
from ocpi_hub.delivery.pulling import book
from ocpi_hub.delivery.sender import AT_ONCE, Post, call, turn
from ocpi_hub.delivery.settling import speaks
from ocpi_hub.partners import agreements
from ocpi_hub.partners.presence import StatusChange, heard_from, on_status_change
from ocpi_hub.wire.parties import ConnectionStatus

log = structlog.get_logger()

WIND_DOWN = 1.0
"""Seconds that calls under way may take to end when the process stops."""

Flying = dict[asyncio.Task[Called], Called]
"""Calls under way, each with how it is given back if it is given up."""


@job("delivery.drain")
async def drain(resources: Resources, platform_id: str) -> None:
    """Tell one platform what is due to it, several lanes at once, until nothing is due."""
    flying: Flying = {}
    called: list[Called] = []
    try:
        while True:
            post = await turn(resources, platform_id, called, flying=len(flying))
            settled, called = called, []
            if any(speaks(one.result) for one in settled):
                await heard_from(resources, platform_id)
            if post is not None:
                flying |= _send(resources, post)
            elif not flying:
                return
            called = await _landed(flying)
    except asyncio.CancelledError:
        await _wind_down(resources, platform_id, flying, called)
        raise
    finally:
        for task in flying:
            task.cancel()


def _send(resources: Resources, post: Post) -> Flying:
    return {asyncio.create_task(call(resources, letter, post)): Called(letter, None) for letter in post.letters}


async def _landed(flying: Flying) -> list[Called]:
    """What has come back; waits for the first, and takes all that came with it."""
    if not flying:
        return []
    done, _ = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        del flying[task]
    return [task.result() for task in done]


async def _wind_down(resources: Resources, platform_id: str, flying: Flying, called: list[Called]) -> None:
    """The process stops: wait a moment for calls under way, and give every lease back."""
    if flying:
        done, late = await asyncio.wait(flying, timeout=WIND_DOWN)
        called = [*called, *(task.result() for task in done), *(flying[task] for task in late)]
    if called:
        await turn(resources, platform_id, called, flying=AT_ONCE)


@job("delivery.announce")
async def announce(resources: Resources) -> None:
    """Owe to partners what changed in the list of parties, and the whole of it to those that came (back)."""
    async with resources.unit_of_work() as db:
        for platform_id in await announcing.owe(db, resources):
            ring_after_commit(db, drain, platform_id)


@scheduled(lambda resources: resources.settings.sweep_interval)
async def keep_list(resources: Resources) -> None:
    """What nobody rings for: parties of our own chargers, invitations, bells that were lost."""
    await announcing.hosted(resources)
    await announce(resources)


@job(agreements.CHANGED)
async def follow_agreements(resources: Resources) -> None:
    """Do what follows from agreements that changed, began or ended."""
    owed = await agreeing.put_into_effect(resources)
    async with resources.unit_of_work() as db:
        for platform_id in owed:
            ring_after_commit(db, drain, platform_id)


@scheduled(lambda resources: resources.settings.sweep_interval)
async def turn_agreements(resources: Resources) -> None:
    """What nobody rings for: agreements that begin or end by their dates, another mode, bells that were lost."""
    await follow_agreements(resources)


@job("delivery.probe")
async def probe(resources: Resources, platform_id: str) -> None:
    """Ask a silent platform for its versions, and believe the answer."""
    answer = await probing.ask(resources, platform_id)
    if answer is not None:
        await probing.conclude(resources, platform_id, answer)


@scheduled(lambda resources: resources.settings.sweep_interval)
async def sweep(resources: Resources) -> None:
    """Find what is due without a bell: waits that ended, leases that ran out, bells that were lost."""
    settings, at = resources.settings, resources.clock()
    async with resources.unit_of_work() as db:
        await giving_up.give_up(db, cdr_window=timedelta(seconds=settings.cdr_window), at=at)
        for platform_id in await outbox.due_platforms(db, at=at):
            ring_after_commit(db, drain, platform_id)
        failing_for, every = timedelta(seconds=settings.offline_after), timedelta(seconds=settings.probe_interval)
        silent_for = timedelta(seconds=settings.alive_interval)
        for platform_id in await outages.to_probe(
            db, failing_for=failing_for, silent_for=silent_for, every=every, at=at
        ):
            ring_after_commit(db, probe, platform_id)


@on_status_change
async def resume_or_forget(db: AsyncSession, change: StatusChange) -> None:
    """A platform that is back is told at once what it missed; one that unregistered is owed nothing any more."""
    ring_after_commit(db, announce)
    if not change.registered:
        await giving_up.forget(db, change.platform_id, at=change.at)
        await book.forget(db, change.platform_id)
    elif change.after is ConnectionStatus.CONNECTED:
        await outages.over(db, change.platform_id)
        if change.before is ConnectionStatus.OFFLINE:
            await giving_up.drop_unwanted(db, change.platform_id, at=change.at)
        await outbox.due_now(db, change.platform_id, at=change.at)
        await book.came(db, change)
        ring_after_commit(db, drain, change.platform_id)
