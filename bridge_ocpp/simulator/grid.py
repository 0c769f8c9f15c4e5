"""What the grid wants of a 2.1 charger with an inverter (DER control, block R): kept, begun and ended in time, told.
Of controls of one kind the one with the lowest priority number counts; the others are superseded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Payload, stamp

_FIELDS = {
    "EnterService": "enterService",
    "FreqDroop": "freqDroop",
    "FixedPFAbsorb": "fixedPFAbsorb",
    "FixedPFInject": "fixedPFInject",
    "FixedVar": "fixedVar",
    "Gradients": "gradient",
    "LimitMaxDischarge": "limitMaxDischarge",
}
"""Where a control stands in SetDERControl and ReportDERControl; all others are curves."""
_INNER = {"fixedPFAbsorb": "fixedPF", "fixedPFInject": "fixedPF"}
_PLAIN = ("enterService", "gradient")
"""Reported without a word about being the default or superseded."""


@dataclass
class Control:
    """One control as it was set. A scheduled one that has not begun, or is over, is not `running`."""

    id: str
    kind: str
    is_default: bool
    said: Payload
    superseded: bool = False
    running: bool = False

    @property
    def field(self) -> str:
        return _FIELDS.get(self.kind, "curve")

    @property
    def starts(self) -> datetime | None:
        found = self.said.get("startTime")
        return None if found is None else datetime.fromisoformat(found)

    def reported(self) -> Payload:
        found: Payload = {"id": self.id, _INNER.get(self.field, self.field): self.said}
        if self.field not in _PLAIN:
            found |= {"isDefault": self.is_default, "isSuperseded": self.superseded}
        return found | {"curveType": self.kind} if self.field == "curve" else found


class Grid:
    """The controls of one charger, by their ids."""

    def __init__(self, charger: Box) -> None:
        self.charger = charger
        self.controls: dict[str, Control] = {}

    def set(self, payload: Payload) -> Payload:
        """SetDERControl (R04). What lacks the field of its kind is Rejected."""
        kind, number = payload["controlType"], payload["controlId"]
        said = payload.get(_FIELDS.get(kind, "curve"))
        if said is None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "MissingParam"}}
        new = Control(number, kind, payload["isDefault"], said)
        others = [
            one
            for one in self.controls.values()
            if (one.kind, one.is_default) == (kind, new.is_default) and one.id != number
        ]
        if new.is_default:
            superseded = [one.id for one in others]
            for name in superseded:
                del self.controls[name]
        else:
            weaker = [one for one in others if one.said["priority"] >= said["priority"]]
            new.superseded = len(weaker) < len(others)
            for one in weaker:
                one.superseded = True
            superseded = [one.id for one in weaker]
        self.controls[number] = new
        self.charger.tell("grid", f"{kind} {number}{' is superseded' if new.superseded else ''}")
        if not new.is_default and new.starts is not None:
            self.charger.soon(self._run(new, superseded))
        return {"status": "Accepted"} | ({"supersededIds": superseded} if superseded else {})

    async def _run(self, control: Control, superseded: list[str]) -> None:
        """Begin and end a scheduled control in time, and say so, unless it is gone by then."""
        assert control.starts is not None
        await self.charger.until(control.starts)
        if self.controls.get(control.id) is not control:
            return
        control.running = True
        await self._started(control, superseded)
        if "duration" in control.said:
            await self.charger.until(control.starts + timedelta(seconds=float(control.said["duration"])))
            if self.controls.pop(control.id, None) is control:
                control.running = False
                await self._started(control, [])

    async def _started(self, control: Control, superseded: list[str]) -> None:
        told: Payload = {"controlId": control.id, "started": control.running, "timestamp": stamp(self.charger.now())}
        self.charger.tell("grid", f"{control.kind} {control.id} {'started' if control.running else 'ended'}")
        await self.charger.say("NotifyDERStartStop", told | ({"supersededIds": superseded} if superseded else {}))

    def get(self, payload: Payload) -> Payload:
        """GetDERControl (R06): one report for each kind of control."""
        found = self._fitting(payload)
        if not found:
            return {"status": "NotFound"}
        self.charger.soon(self._report(payload["requestId"], found))
        return {"status": "Accepted"}

    async def _report(self, request_id: int, found: list[Control]) -> None:
        fields = sorted({one.field for one in found})
        for field in fields:
            controls = [one.reported() for one in found if one.field == field][:24]
            told = {"requestId": request_id, field: controls, "tbc": field != fields[-1]}
            await self.charger.say("ReportDERControl", told)

    def clear(self, payload: Payload) -> Payload:
        """ClearDERControl (R05)."""
        found = self._fitting(payload)
        for one in found:
            del self.controls[one.id]
            left = [each for each in self.controls.values() if each.kind == one.kind and not each.is_default]
            if left:
                min(left, key=lambda each: int(each.said["priority"])).superseded = False
        return {"status": "Accepted" if found else "NotFound"}

    def _fitting(self, payload: Payload) -> list[Control]:
        return [
            one
            for one in self.controls.values()
            if payload.get("controlId") in (None, one.id)
            and payload.get("controlType") in (None, one.kind)
            and payload.get("isDefault") in (None, one.is_default)
        ]

    async def alarm(self, kind: str, fault: str, *, ended: bool = False) -> None:
        """The inverter notices something in the grid (R08)."""
        self.charger.tell("grid", f"{fault}{' is over' if ended else ''}")
        told = {
            "controlType": kind,
            "gridEventFault": fault,
            "alarmEnded": ended,
            "timestamp": stamp(self.charger.now()),
        }
        await self.charger.say("NotifyDERAlarm", told)
