"""What a car needs and how it means to charge (ISO 15118; 2.0.1 and 2.1, K15 to K20): read and answered. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bridge_ocpp.clock import read_time
from bridge_ocpp.dialects.alike import place, whole
from bridge_ocpp.dialects.charging import read_said_schedule
from bridge_ocpp.dialects.words import Fact, Inbound, Payload, Refused, Reply
from bridge_ocpp.meter import read_number
from bridge_ocpp.ocppj import Fault
from bridge_ocpp.port import Schedule

LONGEST_INFO = 512
_DYNAMIC = "DynamicControl"
_BOTH_WAYS = "BPT"
"""What the names of the modes have in common that also discharge (AC_BPT, DC_ACDP_BPT, …)."""
_PHASES = {"AC_single_phase": 1, "AC_two_phase": 2, "AC_three_phase": 3}
_CHARGES_ONLY = "charging only: this hub asks no car to discharge"


class Follows(StrEnum):
    """Whether a schedule follows: as soon as it can be sent, later, or never."""

    AT_ONCE = "at once"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class NeedsTold(Fact):
    """What a car wants (ISO 15118), kept as it came. The content of the reply is (this fact, a Follows).

    `energy_wh` is from now on until the departure (UTC), 0 or more; `maximum` and `minimum` are what the car can charge
    with at most and at least, in A per phase of AC or in W in all. `phases`: on how many, where its mode says so;
    `direct`: with DC, so its W are those behind the charger's rectifier. `dynamic`: it follows a limit, no schedule;
    `both_ways`: it would discharge, too. `most_periods`: how long a schedule may be.
    """

    evse_id: int
    document: Payload
    departure_at: datetime | None = None
    energy_wh: Decimal | None = None
    maximum_a: Decimal | None = None
    maximum_w: Decimal | None = None
    minimum_a: Decimal | None = None
    minimum_w: Decimal | None = None
    phases: int | None = None
    direct: bool = False
    dynamic: bool = False
    both_ways: bool = False
    most_periods: int | None = None


@dataclass(frozen=True, slots=True)
class PlanTold(Fact):
    """How a car means to use what it was offered (ISO 15118). `discharges`: at some time the other way round."""

    evse_id: int
    schedule: Schedule
    document: Payload
    discharges: bool = False


# --- needs -------------------------------------------------------------------------------------------------------


def _needs(payload: Payload) -> NeedsTold:
    needs = payload["chargingNeeds"]
    ac, dc = needs.get("acChargingParameters") or {}, needs.get("dcChargingParameters") or {}
    both_ways = needs.get("v2xChargingParameters") or {}  # from 2.1 on, like those for the grid
    grid = needs.get("derChargingParameters") or {}
    mode = str(needs["requestedEnergyTransfer"])
    power = _first(_positive(dc.get("evMaxPower")), _in_all(both_ways, "maxChargePower"))
    power = _first(power, _product(dc, "evMaxCurrent", "evMaxVoltage"))
    power = _first(power, _product(both_ways, "maxChargeCurrent", "maxVoltage"))
    power = _first(power, _in_all(grid, "maxChargeApparentPower"))
    most = whole(payload.get("maxScheduleTuples"))
    return NeedsTold(
        evse_id=_evse(payload),
        document=payload,
        departure_at=read_time(needs.get("departureTime")).at,
        energy_wh=_energy(ac, dc, both_ways),
        maximum_a=_positive(ac.get("evMaxCurrent")),
        maximum_w=power,
        minimum_a=_positive(ac.get("evMinCurrent")),
        minimum_w=_in_all(both_ways, "minChargePower"),
        phases=_PHASES.get(mode),
        direct=mode.startswith("DC"),
        dynamic=needs.get("controlMode") == _DYNAMIC,
        both_ways=_BOTH_WAYS in mode,
        most_periods=most if most is not None and most > 0 else None,
    )


def _energy(ac: Payload, dc: Payload, both_ways: Payload) -> Decimal | None:
    """Wh until the departure. A car that says 0 Wh by ISO 15118-2 does not know; one that says by -20 that it is beyond
    its target needs nothing."""
    asked = _first(_positive(ac.get("energyAmount")), _positive(dc.get("energyAmount")))
    target = read_number(both_ways.get("evTargetEnergyRequest"))
    if asked is not None or target is not None:
        return asked if asked is not None else max(target or Decimal(0), Decimal(0))
    return _first(_positive(both_ways.get("evMinEnergyRequest")), _to_fill(dc, both_ways.get("targetSoC")))


def _to_fill(dc: Payload, target: Any) -> Decimal | None:
    """Wh from the state of charge to the car's own target, or to what it takes for full."""
    capacity, now = _positive(dc.get("evEnergyCapacity")), read_number(dc.get("stateOfCharge"))
    full = _first(_positive(target), _positive(dc.get("fullSoC")), Decimal(100))
    if capacity is None or now is None or full is None:
        return None
    return max(capacity * (full - now) / 100, Decimal(0))


def _in_all(said: Payload, name: str) -> Decimal | None:
    """A power of all phases: what is said is that of L1 where L2 or L3 are said, too. The phase that has most counts
    for each of them, so that none is held below what it can take."""
    each = [_positive(said.get(name + phase)) for phase in ("", "_L2", "_L3") if said.get(name + phase) is not None]
    known = [power for power in each if power is not None]
    return max(known) * len(each) if known else None


def _product(said: Payload, *names: str) -> Decimal | None:
    amperes, volts = (_positive(said.get(name)) for name in names)
    return None if amperes is None or volts is None else amperes * volts


def _first(*values: Decimal | None) -> Decimal | None:
    return next((value for value in values if value is not None), None)


def _positive(value: Any) -> Decimal | None:
    """A number above 0; a car that names none, or nothing, limits nothing."""
    number = read_number(value)
    return number if number is not None and number > 0 else None


def _evse(payload: Payload) -> int:
    """Raises Refused for EVSE 0, which is no car's place."""
    number = place(payload["evseId"])
    if number == 0:
        raise Refused(Fault.PROPERTY, "evseId is the EVSE that the car is connected to, not 0")
    return number


def _needs_answer(never: str) -> Callable[[Reply], Payload]:
    """`never` is the version's word for that no schedule follows."""
    words = {Follows.AT_ONCE: "Accepted", Follows.LATER: "Processing", Follows.NEVER: never}

    def answer(reply: Reply) -> Payload:
        told: NeedsTold
        follows: Follows
        told, follows = reply.content
        payload: dict[str, Any] = {"status": words[follows]}
        if follows is Follows.NEVER:
            payload["statusInfo"] = {"reasonCode": "NotEnabled", "additionalInfo": reply.reason[:LONGEST_INFO]}
        elif told.both_ways:
            payload["statusInfo"] = {"reasonCode": "UnsupportedParam", "additionalInfo": _CHARGES_ONLY}
        return payload

    return answer


# --- plans -------------------------------------------------------------------------------------------------------


def _plan(payload: Payload) -> PlanTold:
    said = payload["chargingSchedule"]
    directed = [
        read_number(value)
        for period in said["chargingSchedulePeriod"]
        for name, value in period.items()
        if name.startswith(("limit", "dischargeLimit", "setpoint")) and not name.startswith("setpointReactive")
    ]
    discharges = any(number is not None and number < 0 for number in directed)
    return PlanTold(_evse(payload), read_said_schedule(said, start=payload["timeBase"]), payload, discharges)


def _plan_answer(reply: Reply) -> Payload:
    if reply.accepted:
        return {"status": "Accepted"}
    info = {"reasonCode": reply.code, "additionalInfo": reply.reason[:LONGEST_INFO]}
    return {"status": "Rejected", "statusInfo": info}


def table(*, never: str) -> Mapping[str, Inbound]:
    """What the versions handle, with their own word for that no schedule follows.

    2.0.1 says Rejected (K15.FR.04). In 2.1 that would have the car's way of charging taken for forbidden, and a charge
    that could discharge stopped (K18.FR.23, K19.FR.16): its word is NoChargingProfile (K18.FR.04, K19.FR.04).
    """
    return {
        "NotifyEVChargingNeeds": Inbound(_needs, _needs_answer(never)),
        "NotifyEVChargingSchedule": Inbound(_plan, _plan_answer),
    }
