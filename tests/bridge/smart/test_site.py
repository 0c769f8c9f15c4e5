"""A site with real simulated chargers over WebSocket, 1.6 and 2.0.1, on real PostgreSQL and Valkey."""

import asyncio
import contextlib
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bridge_ocpp.port import (
    GetComposite,
    IdToken,
    LimitChanged,
    LimitTransaction,
    OutcomeStatus,
    Period,
    Preference,
    RateUnit,
    Schedule,
    StartCharging,
    read_schedule,
)
from bridge_ocpp.simulator import SimulatedCharger
from bridge_ocpp.smart.book import Sites
from tests.bridge.chargers import raw
from tests.bridge.conftest import PASSWORD
from tests.bridge.test_commands import asked
from tests.world.waiting import until

D = Decimal


@pytest.fixture
def config(config):
    return replace(config, balance_interval=0.05, ping_interval=5.0)


@asynccontextmanager
async def chargers(place, *protocols, **more):
    """Simulated chargers B1, B2, … that are booted."""
    async with AsyncExitStack() as stack:
        boxes = []
        for number, protocol in enumerate(protocols, start=1):
            await place.register(f"B{number}")
            boxes.append(await stack.enter_async_context(one(place, f"B{number}", protocol, **more)))
        yield boxes


@asynccontextmanager
async def one(place, name, protocol, **more):
    options = {"power_w": D(22_080), "sample_every": 0.2, **more}
    box = SimulatedCharger(place.bridge.url, name, password=PASSWORD, protocol=protocol, **options)
    task = asyncio.create_task(box.run())
    try:
        await asyncio.wait_for(box.online.wait(), 20)
        await place.seated(name)
        yield box
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def put(place, **document):
    async with place.work() as db:
        await Sites(now=place.clock).put_site("Home", document, db)


async def shown(place):
    async with place.work() as db:
        return await Sites(now=place.clock).site("home", db)


def offered(box, evse=1):
    return box.evses[evse].offered_a(datetime.now(UTC))


async def shares(place, boxes, *amperes):
    # A question that was under way when a charger booted is waited for, up to shares.ASKING: ten seconds.
    await until(lambda: [offered(box) for box in boxes] == [D(str(a)) for a in amperes], within=30)


async def test_two_cars_share_and_one_that_leaves_frees_its_share(place):
    async with chargers(place, "ocpp1.6", "ocpp2.0.1") as boxes:
        await put(place, limit_a=24, chargers=["B1", "b2"])
        await shares(place, boxes, 0, 0)
        await boxes[0].charge_begins(1, "CARD1")
        await shares(place, boxes, 24, 0)
        await boxes[1].charge_begins(1, "CARD2")
        await shares(place, boxes, 12, 12)
        site = await shown(place)
        assert [(o.state, o.limit_a, o.counts_a) for o in site.outlets] == [("charging", D(12), D(12))] * 2
        assert (site.counts_a["site"][1], site.over_limit, site.limit_a) == (D(24), False, D(24))
        await boxes[0].charge_ends(1)
        await shares(place, boxes[1:], 24)
        assert {type(e) for e in place.told(LimitChanged)} == {LimitChanged}


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_a_partners_profile_is_a_ceiling_inside_the_share(place, protocol):
    async with chargers(place, protocol) as (box,):
        await put(place, limit_a=20, chargers=["B1"])
        await box.charge_begins(1, "CARD1")
        await shares(place, [box], 20)
        (transaction,) = await place.transactions()
        ceiling = Schedule(RateUnit.A, (Period(0, D(10)), Period(3600, D(25))))
        assert (await place.ask("B1", LimitTransaction(transaction.id, ceiling))).accepted
        await shares(place, [box], 10)
        await put(place, limit_a=8, chargers=["B1"])
        await shares(place, [box], 8)
        composite = read_schedule((await place.ask("B1", GetComposite(1, 7200))).payload)
        assert [period.limit for period in composite.periods] == [D(8)]
        await put(place, limit_a=20, chargers=["B1"])
        await shares(place, [box], 10)
        assert (await place.ask("B1", LimitTransaction(transaction.id))).accepted
        await shares(place, [box], 20)
        again = await place.ask("B1", LimitTransaction(transaction.id))
        assert again.status is OutcomeStatus.UNKNOWN_PROFILE


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_without_a_site_the_ceiling_is_the_profile(place, protocol):
    async with chargers(place, protocol) as (box,):
        await box.charge_begins(1, "CARD1")
        (transaction,) = await until(place.transactions)
        ceiling = Schedule(RateUnit.W, (Period(0, D(6900)),))
        assert (await place.ask("B1", LimitTransaction(transaction.id, ceiling))).accepted
        await shares(place, [box], 10)
        async with place.work() as db:
            (kept,) = await Sites(now=place.clock).profiles("b1", db)
        assert (kept.evse_id, kept.profile.transaction_id, kept.source) == (1, transaction.id, "CSO")
        assert (await place.ask("B1", LimitTransaction(transaction.id))).accepted
        await shares(place, [box], 32)
        async with place.work() as db:
            assert list(await Sites(now=place.clock).profiles(None, db)) == []
        unknown = await place.ask("B1", LimitTransaction("nonsense", ceiling))
        assert unknown.status is OutcomeStatus.UNKNOWN_TRANSACTION


async def test_a_charger_that_is_away_keeps_its_share_from_the_others(place):
    async with chargers(place, "ocpp1.6") as (first,):
        await place.register("B2")
        await put(place, limit_a=20, chargers=["B1", "B2"], minimum_a=6)
        site = await until(lambda: _settled(place, "B2", "offline"))
        assert site.counts_a["site"][1] >= 32
        assert site.over_limit
        async with one(place, "B2", "ocpp2.0.1") as second:
            await first.charge_begins(1, "CARD1")
            await second.charge_begins(1, "CARD2")
            await shares(place, [first, second], 10, 10)
        await until(lambda: _settled(place, "B2", "offline"))
        await first.charge_ends(1)
        await first.charge_begins(1, "CARD1")
        await shares(place, [first], 10)


async def _settled(place, charger, state):
    site = await shown(place)
    return site if any(o.charger_id == charger and o.state == state for o in site.outlets) else None


async def test_an_external_limit_holds_until_it_ends(place):
    async with chargers(place, "ocpp2.0.1") as (box,):
        await put(place, limit_a=25, chargers=["B1"])
        await box.charge_begins(1, "CARD1")
        await shares(place, [box], 25)
        async with place.work() as db:
            book, soon = Sites(now=place.clock), place.clock() + timedelta(minutes=5)
            assert await book.limit_site("home", amperes=None, watts=D(6900), until=soon, db=db)
            assert not await book.limit_site("nowhere", amperes=D(1), watts=None, until=soon, db=db)
        await shares(place, [box], 10)
        place.clock.shift += timedelta(minutes=6)
        await shares(place, [box], 25)


async def test_one_that_takes_no_profiles_of_cars_is_limited_as_a_whole(place):
    async with chargers(place, "ocpp1.6", refused=frozenset({"TxProfile"})) as (box,):
        await put(place, limit_a=14, chargers=["B1"])
        await box.charge_begins(1, "CARD1")
        await shares(place, [box], 14)
        assert {kept.purpose for kept in box.stack.kept} == {"ChargePointMaxProfile"}


async def test_one_without_smart_charging_counts_with_its_maximum_and_says_so(place):
    async with chargers(place, "ocpp1.6", smart=False) as (box,):
        await put(place, limit_a=40, chargers=[{"id": "B1", "maximum_a": 16}])
        site = await until(lambda: _settled(place, "B1", "refuses"), within=10)
        assert (site.outlets[0].counts_a, site.over_limit) == (D(16), False)
        await box.charge_begins(1, "CARD1")
        assert offered(box) == D(32)


async def test_another_process_goes_on_with_what_stands_in_the_rows(place):
    async with chargers(place, "ocpp1.6", "ocpp2.0.1") as boxes, place.another():
        await put(place, limit_a=24, chargers=["B1", "B2"])
        await boxes[0].charge_begins(1, "CARD1")
        await shares(place, boxes[:1], 24)
        await boxes[1].charge_begins(1, "CARD2")
        await shares(place, boxes, 12, 12)


async def test_a_site_that_goes_sets_its_chargers_free(place):
    async with chargers(place, "ocpp1.6", "ocpp2.0.1") as boxes:
        await put(place, limit_a=12, chargers=["B1", "B2"])
        for box in boxes:
            await box.charge_begins(1, "CARD")
        await shares(place, boxes, 6, 6)
        await put(place, limit_a=12, chargers=["B1"])
        await shares(place, boxes, 12, 32)
        async with place.work() as db:
            assert await Sites(now=place.clock).remove_site("HOME", db)
            assert not await Sites(now=place.clock).remove_site("HOME", db)
        await shares(place, boxes, 32, 32)
        await until(lambda: place.value("SELECT count(*) = 0 FROM ocpp_share"))
        assert [box.stack.kept for box in boxes] == [[], []]


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_a_remote_start_brings_its_share_along(place, protocol):
    async with chargers(place, protocol, protocol) as boxes:
        await put(place, limit_a=24, chargers=["B1", "B2"])
        await until(lambda: [offered(box) for box in boxes] == [0, 0])
        await until(lambda: place.value("SELECT count(*) = 2 FROM ocpp_share WHERE sure"))
        assert (await place.ask("B1", StartCharging(IdToken("CARD1"), 5, evse_id=1))).accepted
        await shares(place, boxes, 24, 0)
        assert (await place.ask("B2", StartCharging(IdToken("CARD2"), 6, evse_id=1))).accepted
        await shares(place, boxes, 12, 12)


async def _limited(place, charger):
    """CP1 is limited by a site, and has accepted what newcomers may draw."""
    await place.seated("CP1")
    await put(place, limit_a=24, chargers=["CP1"])
    _, message_id, _, _ = await charger.asked()
    await charger.say([3, message_id, {"status": "Accepted"}])
    await until(lambda: place.value("SELECT count(*) = 1 FROM ocpp_share WHERE sure"))


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_what_a_remote_start_brings_ends_by_itself_and_a_refusal_takes_it_back(place, protocol):
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", protocol) as charger:
        await _limited(place, charger)
        start = StartCharging(IdToken("CARD1", "Central"), 5, evse_id=1)
        _, _, outcome = await asked(place, charger, start, {"status": "Rejected"})
        assert outcome.status is OutcomeStatus.REJECTED
        assert await place.value("SELECT count(*) = 1 FROM ocpp_share")
        _, payload, outcome = await asked(place, charger, start, {"status": "Accepted"})
        assert outcome.accepted
        profile = payload["chargingProfile"]
        schedule = profile["chargingSchedule"]
        [period] = (schedule[0] if isinstance(schedule, list) else schedule)["chargingSchedulePeriod"]
        assert (period["startPeriod"], period["limit"], profile["chargingProfilePurpose"]) == (0, 24, "TxProfile")
        assert datetime.fromisoformat(profile["validTo"]) - place.clock() <= timedelta(minutes=2)
        assert "transactionId" not in profile
        await asked(place, charger, start, {"status": "Rejected"})
        assert (await shown(place)).outlets[0].state == "expected", "the first one may still start"


async def test_a_charger_that_stumbles_over_the_profile_is_started_without(place):
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp1.6") as charger:
        await _limited(place, charger)
        asking = asyncio.create_task(place.ask("CP1", StartCharging(IdToken("CARD1"), 5, evse_id=1)))
        _, message_id, _, payload = await charger.asked()
        assert "chargingProfile" in payload
        await charger.say([4, message_id, "FormationViolation", "", {}])
        _, message_id, _, payload = await charger.asked()
        assert payload == {"idTag": "CARD1", "connectorId": 1}
        await charger.say([3, message_id, {"status": "Accepted"}])
        assert (await asking).accepted
        assert await place.value("SELECT count(*) = 1 FROM ocpp_share")


async def test_what_drivers_prefer_weighs(place):
    async with chargers(place, "ocpp1.6", "ocpp2.0.1") as boxes:
        await put(place, limit_a=36, chargers=["B1", "B2"])
        for box in boxes:
            await box.charge_begins(1, "CARD")
        await shares(place, boxes, 18, 18)
        first, second = sorted(await place.transactions(), key=lambda one: one.charger_id)
        soon = place.clock() + timedelta(hours=1)
        async with place.work() as db:
            book = Sites(now=place.clock)
            await book.prefer(first.id, Preference(fast=True), db)
            assert await book.most_power(first.id, db) == 32 * 230 * 3
            assert await book.most_power("nonsense", db) is None
            await book.prefer("nonsense", Preference(fast=True), db)
        await shares(place, boxes, 22, 14)
        async with place.work() as db:
            await book.prefer(first.id, Preference(), db)
            await book.prefer(second.id, Preference(soon, D(50_000)), db)
        await shares(place, boxes, 12, 24)
        assert await place.value("SELECT count(*) = 2 FROM ocpp_charging_wish")


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
async def test_what_a_car_needs_weighs_and_is_answered_by_its_share(place, protocol):
    async with chargers(place, protocol, protocol) as boxes:
        await put(place, limit_a=36, chargers=["B1", "B2"])
        for box in boxes:
            await box.charge_begins(1, "CARD")
        await shares(place, boxes, 18, 18)
        soon = (place.clock() + timedelta(hours=1)).isoformat()
        ac = {"energyAmount": 50_000, "evMinCurrent": 6, "evMaxCurrent": 20, "evMaxVoltage": 400}
        needs = {"requestedEnergyTransfer": "AC_three_phase", "departureTime": soon, "acChargingParameters": ac}
        answer = await boxes[0].call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": needs})
        assert answer == {"status": "Accepted"}
        await shares(place, boxes, 20, 16)
        boxes[0].stack.kept = [one for one in boxes[0].stack.kept if one.purpose != "TxProfile"]
        needs["acChargingParameters"] = ac | {"evMaxCurrent": 0, "energyAmount": 0}
        await boxes[0].call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": needs})
        await shares(place, boxes, 18, 18)
        idle = {"evseId": 7, "chargingNeeds": needs}
        assert await boxes[0].call("NotifyEVChargingNeeds", idle) == {"status": "Processing"}


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_phases_that_cars_do_not_load_are_learned_from_their_meters(place, protocol):
    async with chargers(place, protocol, protocol, phases=1, power_w=D(7360)) as boxes:
        await put(place, limit_a=20, learn_phases=True, chargers=["B1", {"id": "B2", "phases": [2, 3, 1]}])
        for box in boxes:
            await box.charge_begins(1, "CARD")
        await shares(place, boxes, 10, 10)
        for _ in range(3):  # one may fall between a profile and the answer to it
            place.clock.shift += timedelta(seconds=25)
            await until(lambda: _measured(place, place.clock() - timedelta(seconds=20)), within=10)
        await shares(place, boxes, 20, 20)
        site = await shown(place)
        assert [outlet.phases for outlet in site.outlets] == [(1,), (2,)]
        assert site.counts_a["site"] == {1: D(20), 2: D(20), 3: D(0)}


async def _measured(place, since):
    return await place.value(f"SELECT count(*) = 2 FROM ocpp_share WHERE evse_id = 1 AND drawing_at > '{since}'")


async def test_a_boot_is_followed_by_the_limits_again(place):
    async with chargers(place, "ocpp1.6") as (box,):
        await put(place, limit_a=10, chargers=["B1"])
        await shares(place, [box], 0)
        await until(lambda: place.value("SELECT count(*) = 1 FROM ocpp_share WHERE sure"))
        box.stack.kept.clear()
        await box.call(*box.speech.boot(box))
        await shares(place, [box], 0)
