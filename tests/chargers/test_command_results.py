"""Never silence: whatever dies on the way, a command ends in one result, and a late start is still the command's."""

import asyncio
from typing import Any

import pytest

from bridge_ocpp.port import Outcome, OutcomeStatus, TransactionStarted
from ocpi_hub.chargers import jobs
from ocpi_hub.chargers.mapping import id_token_of
from tests.chargers.commanding import APP, URL, results, rows, start_session, work
from tests.chargers.house import House, transaction


async def test_a_lost_bell_rings_again(placed: House) -> None:
    await start_session(placed)
    placed.bells.clear()
    placed.tick(seconds=2)
    await jobs.sweep(placed.resources)
    await work(placed)
    assert await results(placed) == [(URL, {"result": "ACCEPTED"})]
    await jobs.sweep(placed.resources)
    assert len(placed.bridge.asked) == 1


async def test_bells_that_ring_at_once_ask_once(placed: House) -> None:
    await start_session(placed)
    [row] = await rows(placed)
    await asyncio.gather(*(jobs.execute(placed.resources, row.id) for _ in range(5)), jobs.sweep(placed.resources))
    assert len(placed.bridge.asked) == 1
    assert len(await results(placed)) == 1


async def test_a_worker_that_died_while_asking_ends_in_a_timeout(placed: House) -> None:
    await start_session(placed)

    async def die(*_: Any, **__: Any) -> Outcome:
        raise RuntimeError("the worker is gone")

    placed.bridge.ask = die  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        await work(placed)
    await jobs.sweep(placed.resources)
    assert await results(placed) == []
    placed.tick(seconds=36)
    await jobs.sweep(placed.resources)
    await jobs.sweep(placed.resources)
    [(url, result)] = await results(placed)
    assert (url, result["result"]) == (URL, "TIMEOUT")
    assert (await rows(placed))[0].state == "ANSWERED"


async def test_a_command_that_nobody_took_up_ends_in_a_timeout_and_is_not_asked_any_more(placed: House) -> None:
    await start_session(placed)
    placed.tick(seconds=36)
    await jobs.sweep(placed.resources)
    await work(placed)
    assert placed.bridge.asked == []
    assert [result["result"] for _, result in await results(placed)] == ["TIMEOUT"]


async def test_an_answer_after_the_timeout_is_noted_and_not_told(placed: House) -> None:
    await start_session(placed)

    async def slowly(*_: Any, **__: Any) -> Outcome:
        placed.tick(seconds=40)
        await jobs.sweep(placed.resources)
        return Outcome(OutcomeStatus.ACCEPTED)

    placed.bridge.ask = slowly  # type: ignore[method-assign]
    await work(placed)
    [row] = await rows(placed)
    assert (row.outcome, row.late_outcome) == ("TIMEOUT", "ACCEPTED")
    assert [result["result"] for _, result in await results(placed)] == ["TIMEOUT"]


async def test_a_start_after_the_timeout_is_still_the_commands(placed: House) -> None:
    await start_session(placed)
    placed.tick(seconds=36)
    await jobs.sweep(placed.resources)
    [row] = await rows(placed)
    placed.tick(hours=2)
    await placed.hear(TransactionStarted("BOX-1", placed.now, transaction(id_token_of(APP), remote_start_id=row.id)))
    link, session = await placed.link(), await placed.session()
    assert link.command_id == row.id
    assert (session["auth_method"], session["authorization_reference"]) == ("COMMAND", "REF-1")
    assert session["cdr_token"]["uid"] == APP
    assert (await rows(placed))[0].session_id == link.session_id
