"""Cars that say what they need and mean to do, over a real socket: answered truly, and by a schedule."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp.port import LimitTransaction, OutcomeStatus, Period, RateUnit, Schedule
from bridge_ocpp.smart import needs
from bridge_ocpp.smart.book import Sites
from tests.bridge.chargers import RawCharger, raw, stamp
from tests.bridge.conftest import Place
from tests.bridge.test_transactions import event
from tests.world.waiting import until

D = Decimal
BOTH = pytest.mark.parametrize(("protocol", "never"), [("ocpp2.0.1", "Rejected"), ("ocpp2.1", "NoChargingProfile")])
AC = {"energyAmount": 20_000, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 400}
EARLY = {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidMessageSeq"}}


async def put(place: Place, **document: Any) -> None:
    async with place.work() as db:
        await Sites(now=place.clock).put_site("Home", {"chargers": ["CP1"], **document}, db)
    await place.bridge.balancer.look()


async def told(place: Place, charger: RawCharger, answer: Any = None) -> dict[str, Any]:
    """The profile that the charger is set next."""
    await place.bridge.balancer.look()
    _, message_id, action, payload = await charger.asked()
    assert action == "SetChargingProfile"
    await charger.say([3, message_id, answer or {"status": "Accepted"}])
    await place.bridge.balancer.idle()
    profile: dict[str, Any] = payload["chargingProfile"]
    return profile


async def quiet(place: Place, charger: RawCharger) -> bool:
    """Whether nothing is asked when the balancer looks."""
    await place.bridge.balancer.look()
    await place.bridge.balancer.idle()
    return charger.calls.empty()


async def charging(place: Place, charger: RawCharger, *, evse: int = 1) -> None:
    started = event("Started", 0, place.clock(), evse={"id": evse, "connectorId": 1})
    await charger.call("TransactionEvent", started)


def said(place: Place, *, hours: float | None = 2, mode: str = "AC_three_phase", tuples: int = 12, **more: Any) -> Any:
    leaves = {} if hours is None else {"departureTime": stamp(place.clock() + timedelta(hours=hours))}
    parameters = more or {"acChargingParameters": AC}
    about = {"requestedEnergyTransfer": mode, **leaves, **parameters}
    return {"evseId": 1, "maxScheduleTuples": tuples, "chargingNeeds": about}


async def site(place: Place, charger: RawCharger, **document: Any) -> None:
    """A site, at which newcomers are held to 0."""
    await place.seated("CP1")
    await put(place, **{"limit_a": 20, **document})
    assert (await told(place, charger))["chargingProfilePurpose"] == "TxDefaultProfile"


def periods(profile: dict[str, Any]) -> list[tuple[int, float]]:
    [schedule] = profile["chargingSchedule"]
    return [(period["startPeriod"], period["limit"]) for period in schedule["chargingSchedulePeriod"]]


@BOTH
async def test_where_nobody_shares_no_schedule_follows(place: Place, protocol: str, never: str) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", protocol) as charger:
        await charging(place, charger)
        answer = await charger.call("NotifyEVChargingNeeds", said(place))
        assert answer["status"] == never
        assert answer["statusInfo"]["reasonCode"] == "NotEnabled"
        assert await quiet(place, charger)


@BOTH
async def test_at_a_site_the_share_follows_as_a_schedule(place: Place, protocol: str, never: str) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", protocol) as charger:
        await site(place, charger)
        await charging(place, charger)
        first = await told(place, charger)
        assert (first["chargingProfileKind"], periods(first)) == ("Relative", [(0, 20)])
        assert await charger.call("NotifyEVChargingNeeds", said(place)) == {"status": "Accepted"}
        profile = await told(place, charger)
        assert (profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == ("TxProfile", "Absolute")
        [(start, share), (falls, least)] = periods(profile)
        assert (start, share, least) == (0, 16, 6), "no more than the car takes"
        assert 7200 <= falls <= 7261
        async with place.work() as db:
            home = await Sites(now=place.clock).site("home", db)
        assert home is not None
        [outlet] = home.outlets
        assert outlet.in_time, "22 kWh of 20"
        assert outlet.departure_at is not None
        assert await quiet(place, charger), "without a cause nothing is negotiated again"
        place.clock.shift += timedelta(hours=2, seconds=1)
        again = await told(place, charger)
        assert (again["chargingProfileKind"], periods(again)) == ("Relative", [(0, 16)])
        assert await quiet(place, charger)


async def test_the_same_share_is_told_too(place: Place) -> None:
    """The charger waits for it: it holds up its car's negotiation."""
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await site(place, charger, limit_a=10)
        await charging(place, charger)
        assert periods(await told(place, charger)) == [(0, 10)]
        assert await charger.call("NotifyEVChargingNeeds", said(place, hours=None)) == {"status": "Accepted"}
        assert periods(await told(place, charger)) == [(0, 10)]


async def test_needs_before_the_first_share(place: Place) -> None:
    """Some chargers take no profile for a car before (K15.FR.17)."""
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await site(place, charger)
        await charging(place, charger)
        await told(place, charger, EARLY)
        assert await quiet(place, charger)
        assert await charger.call("NotifyEVChargingNeeds", said(place)) == {"status": "Accepted"}
        assert len(periods(await told(place, charger))) == 2
        assert await place.value("SELECT way = 0 AND refusals = 0 FROM ocpp_share WHERE evse_id = 0")


async def test_needs_before_the_charge_are_those_of_the_charge(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await site(place, charger)
        assert await charger.call("NotifyEVChargingNeeds", said(place)) == {"status": "Processing"}
        [before] = await shown(place)
        assert (before.transaction_id, before.schedule_follows) == (None, "later")
        await charging(place, charger)
        assert [limit for _, limit in periods(await told(place, charger))] == [16, 6]
        [after] = await shown(place)
        assert after.transaction_id is not None


async def test_needs_of_a_car_that_went_are_not_those_of_the_next(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await site(place, charger)
        await charger.call("NotifyEVChargingNeeds", said(place))
        place.clock.shift += needs.BEFORE + timedelta(seconds=1)
        assert await shown(place) == []
        await charging(place, charger)
        assert periods(await told(place, charger)) == [(0, 20)]


async def test_one_that_waits_for_its_turn_is_told_that_it_takes_time(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await site(place, charger, limit_a=5)
        await charging(place, charger)
        assert await quiet(place, charger)
        assert await charger.call("NotifyEVChargingNeeds", said(place)) == {"status": "Processing"}
        assert periods(await told(place, charger))[0] == (0, 0)
        await put(place, limit_a=10)
        assert [limit for _, limit in periods(await told(place, charger))] == [10, 6]


async def test_a_charger_whose_clock_is_wrong_is_told_one_limit(place: Place) -> None:
    """It would begin a schedule at another time, or not at all."""
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await site(place, charger)
        early = datetime(1970, 1, 1, tzinfo=UTC)
        await charger.call("TransactionEvent", event("Started", 0, early, evse={"id": 1, "connectorId": 1}))
        await told(place, charger)
        assert await charger.call("NotifyEVChargingNeeds", said(place)) == {"status": "Accepted"}
        profile = await told(place, charger)
        assert (profile["chargingProfileKind"], periods(profile)) == ("Relative", [(0, 16)])


@BOTH
async def test_one_whose_charger_is_limited_as_a_whole_gets_none(place: Place, protocol: str, never: str) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", protocol) as charger:
        await site(place, charger)
        await charging(place, charger)
        for way in range(2):
            await told(place, charger, {"status": "Rejected"})
            await told(place, charger, {"status": "Rejected"})
            await told(place, charger, {"status": "Rejected"})
            if way == 0:
                await told(place, charger)  # what newcomers may draw, in W
        answer = await charger.call("NotifyEVChargingNeeds", said(place))
        assert answer["status"] == never


async def test_a_car_with_dc_is_not_held_below_what_it_takes(place: Place) -> None:
    """50 kW at the battery are up to 55.6 kW at the meter: 80.5 A on each phase."""
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await site(place, charger, limit_a=250, chargers=[{"id": "CP1", "maximum_a": 200}])
        await charging(place, charger)
        assert periods(await told(place, charger)) == [(0, 200)]
        dc = {"evMaxCurrent": 125, "evMaxVoltage": 400, "evEnergyCapacity": 60_000, "stateOfCharge": 40}
        needed = said(place, mode="DC", dcChargingParameters=dc)
        assert await charger.call("NotifyEVChargingNeeds", needed) == {"status": "Accepted"}
        assert periods(await told(place, charger))[0] == (0, 80.5)
        [record] = await shown(place)
        assert (record.energy_wh, record.maximum_w) == (36_000, 55_556)


async def test_one_that_would_discharge_is_given_a_share_to_charge_with(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.1") as charger:
        await site(place, charger)
        await charging(place, charger)
        await told(place, charger)
        both_ways = {"maxChargePower": 6_900, "minChargePower": 4_830, "maxDischargePower": 9_000}
        v2x = {"evTargetEnergyRequest": 9_000, **both_ways}
        needed = said(place, mode="AC_BPT", v2xChargingParameters=v2x, controlMode="DynamicControl")
        answer = await charger.call("NotifyEVChargingNeeds", needed)
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Accepted", "UnsupportedParam")
        profile = await told(place, charger)
        assert periods(profile) == [(0, 10)], "one that follows a limit is told a limit, and no discharging"
        await put(place, limit_a=6)
        assert periods(await told(place, charger)) == [(0, 0)], "it charges with 7 A or more"


async def test_a_partners_ceiling_and_the_length_that_the_car_takes(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await site(place, charger)
        await charging(place, charger)
        await told(place, charger)
        await charger.call("NotifyEVChargingNeeds", said(place, tuples=2))
        await told(place, charger)
        [transaction] = await place.transactions()
        steps = tuple(Period(600 * n, D(8 + n % 3)) for n in range(6))
        asking = place.ask("CP1", LimitTransaction(transaction.id, Schedule(RateUnit.A, steps, place.clock())))
        task = asyncio.create_task(asking)
        _, message_id, _, payload = await charger.asked()
        await charger.say([3, message_id, {"status": "Accepted"}])
        assert (await task).status is OutcomeStatus.ACCEPTED
        found = periods(payload["chargingProfile"])
        assert [limit for _, limit in found] == [8, 10], "where two become one the lower limit holds"


# --- what a car means to do --------------------------------------------------------------------------------------


def plan(place: Place, *limits: tuple[int, float], unit: str = "A") -> Any:
    schedule = {
        "id": 1,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": start, "limit": limit} for start, limit in limits],
    }
    return {"evseId": 1, "timeBase": stamp(place.clock()), "chargingSchedule": schedule}


async def test_a_plan_within_the_share_is_accepted_and_shown(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await site(place, charger)
        await charging(place, charger)
        await told(place, charger)
        await charger.call("NotifyEVChargingNeeds", said(place))
        await told(place, charger)
        fine = plan(place, (0, 16), (3600, 8), (7200, 6))
        assert await charger.call("NotifyEVChargingSchedule", fine) == {"status": "Accepted"}
        assert await quiet(place, charger)
        [record] = await shown(place)
        assert (record.plan_fits, record.schedule_follows, record.energy_wh) == (True, "at once", 20_000)
        assert record.plan is not None
        assert [(p.start, p.limit) for p in record.plan.periods] == [(0, 16), (3600, 8), (7200, 6)]


async def test_a_plan_above_the_share_is_rejected_and_the_share_told_again(place: Place) -> None:
    """K15.FR.12 and FR.13; a charger that insists is not asked more than once a minute."""
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await site(place, charger)
        await charging(place, charger)
        await told(place, charger)
        high = plan(place, (0, 16), (60, 20.2))
        answer = await charger.call("NotifyEVChargingSchedule", high)
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "ValueTooHigh")
        assert periods(await told(place, charger)) == [(0, 20)]
        assert (await charger.call("NotifyEVChargingSchedule", high))["status"] == "Rejected"
        assert await quiet(place, charger)
        place.clock.shift += needs.PLAIN_AGAIN
        assert (await charger.call("NotifyEVChargingSchedule", plan(place, (0, 21))))["status"] == "Rejected"
        assert periods(await told(place, charger)) == [(0, 20)]
        [record] = await shown(place)
        assert (record.plan_fits, record.needs) == (False, None)


async def test_a_plan_to_discharge_is_rejected_where_a_schedule_was_sent(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.1") as charger:
        await charging(place, charger)
        back = plan(place, (0, -10))
        assert await charger.call("NotifyEVChargingSchedule", back) == {"status": "Accepted"}
        await site(place, charger)
        await told(place, charger)
        answer = await charger.call("NotifyEVChargingSchedule", back)
        assert answer["statusInfo"]["additionalInfo"] == "the schedule that was sent is for charging only"


async def test_without_a_schedule_of_ours_every_plan_is_fine(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        assert await charger.call("NotifyEVChargingSchedule", plan(place, (0, 500))) == {"status": "Accepted"}


async def test_what_cars_said_is_forgotten_when_they_are_gone(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charging(place, charger)
        await charger.call("NotifyEVChargingNeeds", said(place))
        [record] = await shown(place)
        assert isinstance(record.departure_at, datetime)
        async with place.work() as db:
            await needs.prune(db, now=place.clock() + timedelta(days=2))
        assert await shown(place) == [record], "it still charges"
        ended = event("Ended", 1, place.clock(), info={"stoppedReason": "EVDisconnected"})
        await charger.call("TransactionEvent", ended)
        assert await until(lambda: gone(place))
        async with place.work() as db:
            await needs.prune(db, now=place.clock() + timedelta(days=2))
        assert await place.value("SELECT count(*) = 0 FROM ocpp_charging_limit")


async def shown(place: Place) -> list[Any]:
    async with place.work() as db:
        return list(await Sites(now=place.clock).needs("cp1", db))


async def gone(place: Place) -> bool:
    return await shown(place) == []
