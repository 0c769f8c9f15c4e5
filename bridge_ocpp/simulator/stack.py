"""The charging profiles that a simulated charger keeps, and the current that they leave it. Written anew from the
specification, apart from the central system's own reckoning: tests compare the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge_ocpp.simulator.meter import Evse, Payload, stamp

STATION = ("ChargePointMaxProfile", "ChargingStationMaxProfile", "ChargingStationExternalConstraints")
_SPANS = {"Daily": timedelta(days=1), "Weekly": timedelta(days=7)}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


@dataclass
class Kept:
    """A profile at an EVSE (0: all of them), as it came; `schedule` is its first one, unless a car chose another.

    One of kind Dynamic counts from `updated_at` on, when its limit was last said.
    """

    evse: int
    said: Payload
    key: str
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _chosen: int = 0

    @property
    def id(self) -> int:
        return int(self.said[self.key])

    @property
    def purpose(self) -> str:
        return str(self.said["chargingProfilePurpose"])

    @property
    def level(self) -> int:
        return int(self.said["stackLevel"])

    @property
    def transaction(self) -> str | None:
        found = self.said.get("transactionId")
        return None if found is None else str(found)

    @property
    def place(self) -> tuple[int, str, int, str | None]:
        """Where there is room for one profile only."""
        return self.evse, self.purpose, self.level, self.transaction

    @property
    def schedules(self) -> list[Payload]:
        """1.6 has one, 2.x up to three for the car to choose from."""
        schedule: Any = self.said["chargingSchedule"]
        return schedule if isinstance(schedule, list) else [schedule]

    @property
    def schedule(self) -> Payload:
        return self.schedules[self._chosen]

    def choose(self, number: int) -> None:
        """Follow another of its schedules."""
        self._chosen = number

    def begins(self, at: datetime, charging_since: datetime | None) -> datetime:
        """The beginning of the schedule that could hold at `at`; later than `at`: not yet."""
        if self.said["chargingProfileKind"] == "Dynamic":
            return self.updated_at
        if self.said["chargingProfileKind"] == "Relative":
            return charging_since or at
        begin = _time(self.schedule.get("startSchedule")) or _time(self.said.get("validFrom")) or charging_since or at
        span = _SPANS.get(self.said.get("recurrencyKind", ""))
        if self.said["chargingProfileKind"] == "Recurring" and span is not None:
            while begin + span <= at:
                begin += span
        return begin

    def period(self, at: datetime, evse: Evse) -> Payload | None:
        """The period that holds at that moment, or None where this profile says nothing then."""
        since, until = _time(self.said.get("validFrom")), _time(self.said.get("validTo"))
        if (since is not None and at < since) or (until is not None and at >= until):
            return None
        passed = (at - self.begins(at, evse.charging_since)).total_seconds()
        if passed < 0 or passed >= self.schedule.get("duration", float("inf")):
            return None
        found: Payload | None = None
        for period in sorted(self.schedule["chargingSchedulePeriod"], key=lambda one: int(one["startPeriod"])):
            if period["startPeriod"] <= passed:
                found = period
        return found

    def amperes(self, at: datetime, evse: Evse) -> Decimal | None:
        """The limit per phase, or None where this profile has none at that moment."""
        found = self.period(at, evse)
        said = None if found is None else found.get("limit", found.get("setpoint"))
        if found is None or said is None:
            return None
        limit = Decimal(str(said))
        if self.schedule["chargingRateUnit"] == "W":
            limit = (limit / (evse.voltage * (found.get("numberPhases") or evse.phases))).quantize(
                Decimal("0.1"), "ROUND_FLOOR"
            )
        return limit

    def edges(self, at: datetime, evse: Evse) -> list[datetime]:
        """Moments at which this profile's limit may change, from its present beginning on, for two recurrences."""
        begin = self.begins(at, evse.charging_since)
        span = _SPANS.get(self.said.get("recurrencyKind", ""), timedelta(0))
        found = [moment for name in ("validFrom", "validTo") if (moment := _time(self.said.get(name))) is not None]
        for start in {begin, begin + span, begin + 2 * span}:
            found += [start + timedelta(seconds=int(p["startPeriod"])) for p in self.schedule["chargingSchedulePeriod"]]
            found += [start, start + timedelta(seconds=int(self.schedule.get("duration", 0)))]
        return found


@dataclass
class Stack:
    """All profiles of a charger."""

    kept: list[Kept] = field(default_factory=list)

    def put(self, evse: int, said: Payload, *, key: str) -> Kept | None:
        """Keep a profile; one with the same id, or of the same purpose and level there, makes room for it. None for one
        whose purpose cannot be there."""
        new = Kept(evse, said, key)
        if (new.purpose in STATION and evse != 0) or (new.purpose == "TxProfile" and evse == 0):
            return None
        place = (new.evse, new.purpose, new.level, new.transaction)
        self.kept = [
            old
            for old in self.kept
            if old.id != new.id and (old.evse, old.purpose, old.level, old.transaction) != place
        ]
        self.kept.append(new)
        return new

    def numbered(self, id: int) -> Kept | None:
        """The profile with this id."""
        return next((one for one in self.kept if one.id == id), None)

    def clear(self, *, id: int | None, evse: int | None, purpose: str | None, level: int | None) -> bool:
        """Forget what fits all that is said; False when nothing did."""
        fitting = [
            one
            for one in self.kept
            if id in (None, one.id)
            and evse in (None, one.evse)
            and purpose in (None, one.purpose)
            and level in (None, one.level)
        ]
        self.kept = [one for one in self.kept if one not in fitting]
        return bool(fitting)

    def ended(self, transaction: int | str | None) -> None:
        """The profiles of a transaction end with it."""
        self.kept = [one for one in self.kept if one.transaction is None or one.transaction != str(transaction)]

    def amperes(self, evse: Evse, at: datetime) -> Decimal:
        """What the EVSE may draw per phase: its own most, or less."""
        limits = [evse.most_a]
        best: dict[str, tuple[int, Decimal]] = {}
        for one in self._about(evse):
            limit = one.amperes(at, evse)
            if limit is not None and one.level >= best.get(one.purpose, (-1, limit))[0]:
                best[one.purpose] = (one.level, limit)
        preferred = evse.charge is not None and evse.charge.prefers and "PriorityCharging" in best
        if preferred:  # 2.1, K21: it takes the place of what the driver would get otherwise
            best.pop("TxProfile", None)
        else:
            best.pop("PriorityCharging", None)
        if preferred or "TxProfile" in best:
            best.pop("TxDefaultProfile", None)
        _, sun = best.pop("LocalGeneration", (0, Decimal(0)))
        best |= {name: (level, limit + sun) for name, (level, limit) in best.items() if name in STATION}
        return min(limits + [limit for _, limit in best.values()])

    def steps(self, evse: Evse, at: datetime, until: datetime) -> list[tuple[datetime, Decimal]]:
        """From when on which current holds, from `at` until before `until`."""
        moments = {at} | {edge for one in self._about(evse) for edge in one.edges(at, evse) if at < edge < until}
        found: list[tuple[datetime, Decimal]] = []
        for moment in sorted(moments):
            limit = self.amperes(evse, moment)
            if not found or found[-1][1] != limit:
                found.append((moment, limit))
        return found

    def composite(self, evse: Evse, at: datetime, duration: int, *, unit: str) -> Payload:
        """The schedule that the charger reckons with: what 1.6 and 2.0.1 both say of it."""
        factor = evse.voltage * evse.phases if unit == "W" else 1
        steps = self.steps(evse, at, at + timedelta(seconds=duration))
        periods = [
            {"startPeriod": int((moment - at).total_seconds()), "limit": float(limit * factor)}
            for moment, limit in steps
        ]
        return {"duration": duration, "chargingRateUnit": unit, "chargingSchedulePeriod": periods}

    def _about(self, evse: Evse) -> list[Kept]:
        return [
            one
            for one in self.kept
            if one.evse in (0, evse.number) and (one.purpose != "TxProfile" or self._runs(one, evse))
        ]

    @staticmethod
    def _runs(one: Kept, evse: Evse) -> bool:
        charge = evse.charge
        return charge is not None and one.transaction in (None, str(charge.ocpp_id))


def scheduled(composite: Payload, at: datetime) -> Payload:
    """The composite schedule with its beginning, as 1.6 puts it."""
    return {"scheduleStart": stamp(at), "chargingSchedule": {"startSchedule": stamp(at), **composite}}
