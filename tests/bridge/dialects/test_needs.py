"""What cars need and mean to do, as 2.0.1 and 2.1 say it: literal JSON in and out, valid by the schemas."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp.dialects import v21, v201
from bridge_ocpp.dialects.needs import Follows, NeedsTold, PlanTold
from bridge_ocpp.dialects.words import Refused, Reply
from bridge_ocpp.schemas import Edition

D = Decimal
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EDITIONS = {
    "v201": (v201.DIALECT, Edition("v201", "Request")),
    "v21": (v21.DIALECT, Edition("v21", "Request")),
}
AC = {"energyAmount": 20_000, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 400}


def heard(version: str, action: str, payload: Any) -> Any:
    dialect, edition = EDITIONS[version]
    assert edition.request_heard(action).violations(payload) == []
    return dialect.inbound[action].read(payload)


def needs(version: str, mode: str = "AC_three_phase", **said: Any) -> NeedsTold:
    about = {"requestedEnergyTransfer": mode, **said}
    told = heard(version, "NotifyEVChargingNeeds", {"evseId": 1, "maxScheduleTuples": 12, "chargingNeeds": about})
    assert isinstance(told, NeedsTold)
    return told


def answer(version: str, action: str, reply: Reply) -> Any:
    dialect, edition = EDITIONS[version]
    payload = dict(dialect.inbound[action].answer(reply))
    assert edition.response_sent(action).violations(payload) == []
    return payload


@pytest.mark.parametrize("version", EDITIONS)
def test_ac(version: str) -> None:
    told = needs(version, "AC_single_phase", departureTime="2026-03-01T18:00:00Z", acChargingParameters=AC)
    assert (told.departure_at, told.energy_wh) == (NOON.replace(hour=18), D(20_000))
    assert (told.maximum_a, told.minimum_a, told.maximum_w, told.minimum_w) == (D(16), D(6), None, None)
    assert (told.phases, told.direct, told.dynamic, told.both_ways, told.most_periods) == (1, False, False, False, 12)
    told = needs(version, acChargingParameters=AC | {"energyAmount": 0, "evMaxCurrent": 0})
    assert (told.energy_wh, told.maximum_a, told.departure_at, told.phases) == (None, None, None, 3)


DC = {"evMaxCurrent": 200, "evMaxVoltage": 400}


@pytest.mark.parametrize("version", EDITIONS)
@pytest.mark.parametrize(
    ("said", "energy", "power"),
    [
        ({}, None, 80_000),
        ({"evMaxPower": 50_000, "energyAmount": 30_000}, 30_000, 50_000),
        ({"evEnergyCapacity": 60_000, "stateOfCharge": 40}, 36_000, 80_000),
        ({"evEnergyCapacity": 60_000, "stateOfCharge": 40, "fullSoC": 90, "bulkSoC": 80}, 30_000, 80_000),
        ({"evEnergyCapacity": 60_000, "stateOfCharge": 95, "fullSoC": 90}, 0, 80_000),
        ({"evEnergyCapacity": 60_000, "fullSoC": 90}, None, 80_000),
        ({"energyAmount": 5_000, "evEnergyCapacity": 60_000, "stateOfCharge": 40}, 5_000, 80_000),
    ],
)
def test_dc(version: str, said: dict[str, Any], energy: int | None, power: int) -> None:
    """Its A are those of the battery, and say nothing of a phase."""
    told = needs(version, "DC", dcChargingParameters=DC | said)
    assert (told.energy_wh, told.maximum_w, told.direct) == (energy, power, True)
    assert (told.maximum_a, told.minimum_a, told.phases) == (None, None, None)


@pytest.mark.parametrize(
    ("said", "energy", "most", "least"),
    [
        ({"maxChargePower": 11_000, "minChargePower": 1_400, "evTargetEnergyRequest": 8_000}, 8_000, 11_000, 1_400),
        ({"maxChargePower": 3_700, "maxChargePower_L2": 2_000}, None, 7_400, None),
        ({"maxChargeCurrent": 100, "maxVoltage": 400, "evMinEnergyRequest": 3_000}, 3_000, 40_000, None),
        ({"evTargetEnergyRequest": -500, "evMinEnergyRequest": -4_000}, 0, None, None),
        ({"maxDischargePower": 9_000, "evMaxV2XEnergyRequest": 5_000, "evMinV2XEnergyRequest": -1}, None, None, None),
    ],
)
def test_both_ways(said: dict[str, Any], energy: int | None, most: int | None, least: int | None) -> None:
    told = needs("v21", "AC_BPT", v2xChargingParameters=said)
    assert (told.energy_wh, told.maximum_w, told.minimum_w, told.both_ways) == (energy, most, least, True)


def test_what_the_grid_lets_a_car_take_is_its_most_where_it_says_no_other() -> None:
    grid = {"maxChargeApparentPower": 7_000, "maxDischargeApparentPower": 9_000}
    assert needs("v21", "AC_DER", derChargingParameters=grid).maximum_w == 7_000
    both_ways = {"maxChargePower": 6_000}
    told = needs("v21", "AC_BPT_DER", derChargingParameters=grid, v2xChargingParameters=both_ways)
    assert (told.maximum_w, told.both_ways) == (6_000, True)


def test_a_target_of_charge_counts_before_what_is_full() -> None:
    battery = DC | {"evEnergyCapacity": 50_000, "stateOfCharge": 20, "fullSoC": 100}
    told = needs("v21", "DC_BPT", dcChargingParameters=battery, v2xChargingParameters={"targetSoC": 80})
    assert told.energy_wh == 30_000


def test_who_determines_the_needs_and_what_else_the_car_could_do_says_nothing_of_its_share() -> None:
    plain = needs("v21", acChargingParameters=AC)
    more = {"mobilityNeedsMode": "EVCC_SECC", "availableEnergyTransfer": ["AC_three_phase", "AC_BPT"]}
    told = needs("v21", acChargingParameters=AC, controlMode="ScheduledControl", **more)
    assert {**_fields(told), "document": None} == {**_fields(plain), "document": None}
    assert needs("v21", acChargingParameters=AC, controlMode="DynamicControl").dynamic


def _fields(told: NeedsTold) -> dict[str, Any]:
    return {name: getattr(told, name) for name in NeedsTold.__dataclass_fields__}


def test_evse_0_is_no_cars_place() -> None:
    """The schemas of 2.1 say so themselves."""
    said = {"evseId": 0, "chargingNeeds": {"requestedEnergyTransfer": "DC"}}
    with pytest.raises(Refused, match="not 0"):
        heard("v201", "NotifyEVChargingNeeds", said)
    plan = {"evseId": 0, "timeBase": "2026-03-01T12:00:00Z", "chargingSchedule": SCHEDULE}
    with pytest.raises(Refused, match="not 0"):
        heard("v201", "NotifyEVChargingSchedule", plan)


@pytest.mark.parametrize(("version", "never"), [("v201", "Rejected"), ("v21", "NoChargingProfile")])
def test_answers(version: str, never: str) -> None:
    told = needs(version)

    def said(follows: Follows) -> Any:
        return answer(version, "NotifyEVChargingNeeds", Reply(NOON, content=(told, follows), reason="why"))

    assert said(Follows.AT_ONCE) == {"status": "Accepted"}
    assert said(Follows.LATER) == {"status": "Processing"}
    assert said(Follows.NEVER) == {
        "status": never,
        "statusInfo": {"reasonCode": "NotEnabled", "additionalInfo": "why"},
    }


def test_a_car_that_would_discharge_is_told_that_it_charges_only() -> None:
    told = needs("v21", "DC_BPT", v2xChargingParameters={"maxChargePower": 11_000})
    reply = Reply(NOON, content=(told, Follows.AT_ONCE))
    said = answer("v21", "NotifyEVChargingNeeds", reply)
    assert said["status"] == "Accepted"
    assert said["statusInfo"]["additionalInfo"] == "charging only: this hub asks no car to discharge"


SCHEDULE = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": D("10.5")}]}


@pytest.mark.parametrize("version", EDITIONS)
def test_a_plan(version: str) -> None:
    plan = {"evseId": 1, "timeBase": "2026-03-01T12:00:00Z", "chargingSchedule": SCHEDULE}
    told = heard(version, "NotifyEVChargingSchedule", plan)
    assert isinstance(told, PlanTold)
    assert (told.evse_id, told.schedule.start_at, told.discharges) == (1, NOON, False)
    assert answer(version, "NotifyEVChargingSchedule", Reply(NOON)) == {"status": "Accepted"}
    refused = Reply(NOON, accepted=False, code="ValueTooHigh", reason="above the schedule that was sent")
    assert answer(version, "NotifyEVChargingSchedule", refused) == {
        "status": "Rejected",
        "statusInfo": {"reasonCode": "ValueTooHigh", "additionalInfo": "above the schedule that was sent"},
    }


@pytest.mark.parametrize("name", ["limit", "dischargeLimit", "setpoint", "setpoint_L2"])
def test_a_plan_to_discharge(name: str) -> None:
    periods = [{"startPeriod": 0, "limit": 5}, {"startPeriod": 60, "setpointReactive": -3, name: -4}]
    schedule = SCHEDULE | {"chargingSchedulePeriod": periods}
    plan = {"evseId": 1, "timeBase": "2026-03-01T12:00:00Z", "chargingSchedule": schedule}
    assert heard("v21", "NotifyEVChargingSchedule", plan).discharges
    del periods[1][name]
    assert not heard("v21", "NotifyEVChargingSchedule", plan).discharges
