"""Chargers that come at once: together they are as alone, and none waits for another's trouble."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from websockets.exceptions import InvalidStatus

from bridge_ocpp import port
from tests.bridge.chargers import dialled, raw
from tests.bridge.conftest import Place
from tests.world.waiting import until

BOOT = {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "7"}
NAMES = [f"CP{number}" for number in range(24)]


@pytest.fixture
async def here(place: Place) -> Place:
    for name in NAMES:
        await place.register(name, booted=False)
    return place


async def come(place: Place, name: str, *, url: str | None = None) -> str:
    """What the boot of a charger that comes was answered."""
    async with raw(url or place.bridge.url, name) as charger:
        return str((await charger.call("BootNotification", BOOT | {"chargePointModel": name}))["status"])


async def test_each_gets_its_own_seat_its_own_boot_and_its_own_answer(here: Place) -> None:
    await here.execute("UPDATE ocpp_charger SET boot_status = 'Pending' WHERE key = 'cp3'")
    await here.execute("UPDATE ocpp_charger SET boot_status = 'Rejected' WHERE key = 'cp7'")
    async with here.another(provisioning=True) as bridge:
        found = await asyncio.gather(*(come(here, name, url=bridge.url) for name in NAMES))
    answers = dict(zip(NAMES, found, strict=True))
    assert {name for name, answer in answers.items() if answer != "Accepted"} == {"CP3", "CP7"}
    assert (answers["CP3"], answers["CP7"]) == ("Pending", "Rejected")
    async with here.work() as db:
        records = {record.id: record for record in await here.book.chargers(db)}
    assert {name: records[name].model for name in NAMES} == {name: name for name in NAMES}
    booted = [event.charger_id for event in here.told(port.ChargerBooted)]
    assert sorted(booted) == sorted(set(NAMES) - {"CP3", "CP7"})
    online = [event.charger_id for event in here.told(port.ChargerOnline) if event.online]
    assert sorted(online) == sorted(NAMES)
    owed = "SELECT count(*) FROM ocpp_errand WHERE kind = 'report'"
    assert await here.value(owed) == len(NAMES) - 2, "what they are made of is asked of those that were accepted"


async def test_a_wrong_password_among_them_gets_its_401_and_nobody_else_does(here: Place) -> None:
    async def guess(name: str) -> int:
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(here.bridge.url, name, "ocpp1.6", password="not-the-password"):
                raise AssertionError("it came in")
        return int(refused.value.response.status_code)

    found = await asyncio.gather(*(come(here, name) for name in NAMES), guess("CP0"), guess("NOBODY"))
    assert found == ["Accepted"] * len(NAMES) + [401, 401]


async def test_one_whose_row_is_being_written_waits_alone(here: Place) -> None:
    async with here.engine.begin() as other:
        await other.execute(text("SELECT 1 FROM ocpp_charger WHERE key = 'cp5' FOR UPDATE"))
        late = asyncio.create_task(come(here, "CP5"))
        rest = await asyncio.gather(*(come(here, name) for name in NAMES if name != "CP5"))
        assert rest == ["Accepted"] * (len(NAMES) - 1)
        assert not late.done(), "nothing is answered before its commit"
    assert await late == "Accepted"


async def test_one_that_the_business_side_chokes_on_fails_alone(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = here.hub.heard_all

    async def chokes(events: Sequence[port.Event], db: AsyncSession) -> None:
        if any(isinstance(event, port.ChargerBooted) and event.charger_id == "CP9" for event in events):
            raise RuntimeError("CP9 is too much")
        await heard(events, db)

    monkeypatch.setattr(here.hub, "heard_all", chokes)

    async def answer(name: str) -> Any:
        async with raw(here.bridge.url, name) as charger:
            found = await charger.call("BootNotification", BOOT)
            return found["status"] if isinstance(found, dict) else found[2]

    answers = dict(zip(NAMES, await asyncio.gather(*(answer(name) for name in NAMES)), strict=True))
    assert answers.pop("CP9") == "InternalError"
    assert set(answers.values()) == {"Accepted"}


async def test_of_many_sockets_of_one_charger_the_newest_counts(here: Place) -> None:
    async def seat() -> int | None:
        async with dialled(here.bridge.url, "CP1", "ocpp1.6") as socket:
            await socket.wait_closed()
            return socket.close_code

    sockets = [asyncio.create_task(seat()) for _ in range(6)]
    await until(lambda: sum(task.done() for task in sockets) == 5)
    assert {task.result() for task in sockets if task.done()} == {1008}
    assert here.bridge.connections["cp1"].speaker.generation == 6
    assert len([event for event in here.told(port.ChargerOnline) if event.online]) == 1
    for task in sockets:
        task.cancel()
