"""What is pulled of a partner, as operators see it: when next, what came of it, what is missing."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.delivery.pulling import book, vanishing
from ocpi_hub.delivery.pulling.tables import MissingObject, Pull, PullRun

SHOWN = 50


def run_document(run: PullRun) -> dict[str, Any]:
    """A run through one list; counts are of objects."""
    return run.model_dump(exclude={"platform_id"})


async def summary(db: AsyncSession, platform_id: str) -> list[dict[str, Any]]:
    """One line per module that is pulled, with its newest run (without the bad objects of it)."""
    newest = await book.newest(db, platform_id)
    missing = await vanishing.counts(db, platform_id)
    return [_entry(entry, newest.get(entry.module), missing) for entry in await book.entries(db, platform_id)]


def _entry(entry: Pull, run: PullRun | None, missing: dict[str, int]) -> dict[str, Any]:
    last = run_document(run) if run is not None else None
    if last is not None:
        del last["problems"]
    return {
        "module": entry.module,
        "running": entry.run_id is not None,
        "next_at": entry.due_at,
        "next_is_full": entry.full,
        "watermark": entry.watermark,
        "full_at": entry.full_at,
        "failures": entry.failures,
        "missing": missing.get(entry.module, 0),
        "last": last,
    }


async def report(db: AsyncSession, platform_id: str) -> dict[str, Any]:
    """Everything: the summary, the newest runs with their bad objects, and what is missing."""
    return {
        "modules": await summary(db, platform_id),
        "runs": [run_document(run) for run in await book.runs(db, platform_id, limit=SHOWN)],
        "missing": [_missing(one) for one in await vanishing.missing(db, platform_id, limit=SHOWN * 10)],
    }


def _missing(one: MissingObject) -> dict[str, Any]:
    """An object that is missing. A token's uid is not shown: it may be a driver's card."""
    shown = f"{one.key[:4]}…" if one.module == "tokens" else one.key
    return {
        "module": one.module,
        "owner": one.owner_key,
        "object": shown,
        "since": one.since,
        "hidden": one.document is not None,
    }
