"""Values of monitors that are told as a stream, not one by one (OCPP 2.1, N11 to N16)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Payload, stamp
from bridge_ocpp.simulator.watching import Watch

INTERVAL, VALUES = 10.0, 10
LOOKS_EVERY = 0.5
"""Seconds between two values."""


@dataclass
class Stream:
    """One open stream: told after `interval` seconds, or once there are as many `values`."""

    id: int
    monitor: int
    params: Payload
    base: datetime
    waiting: list[Payload] = field(default_factory=list)

    @property
    def said(self) -> Payload:
        """ConstantStreamDataType."""
        return {"id": self.id, "variableMonitoringId": self.monitor, "params": self.params}

    def is_due(self, at: datetime) -> bool:
        late = (at - self.base).total_seconds() >= float(self.params.get("interval", INTERVAL))
        return bool(self.waiting) and (late or len(self.waiting) >= int(self.params.get("values", VALUES)))


class Streams:
    """The streams of one charger, by their ids: each has the number of its monitor."""

    def __init__(self, charger: Box, watch: Watch) -> None:
        self.charger = charger
        self.watch = watch
        self.open: dict[int, Stream] = {}
        watch.opened = lambda monitor, params: charger.soon(self._begin(monitor, params))
        watch.cleared = lambda monitor: charger.soon(self._close(monitor))

    async def _begin(self, monitor: int, params: Payload) -> None:
        stream = Stream(monitor, monitor, params, self.charger.now())
        answer = await self.charger.say("OpenPeriodicEventStream", {"constantStreamData": stream.said})
        self.charger.tell("stream", f"{monitor}: {answer.get('status', answer.get('error', 'no answer'))}")
        if answer.get("status") != "Accepted":
            return
        self.open[monitor] = stream
        while self.open.get(monitor) is stream:
            await self._look(stream)
            await asyncio.sleep(LOOKS_EVERY)

    async def _look(self, stream: Stream) -> None:
        now = self.charger.now()
        if not stream.waiting:
            stream.base = now
        passed = (now - stream.base).total_seconds()
        stream.waiting.append({"t": round(passed, 1), "v": self._value(stream.monitor)})
        if stream.is_due(now):
            data, stream.waiting = stream.waiting, []
            told = {"id": stream.id, "pending": 0, "basetime": stamp(stream.base), "data": data}
            await self.charger.send("NotifyPeriodicEventStream", told)

    async def _close(self, monitor: int) -> None:
        if self.open.pop(monitor, None) is not None:
            await self.charger.say("ClosePeriodicEventStream", {"id": monitor})
            self.charger.tell("stream", f"{monitor} is closed")

    def _value(self, monitor: int) -> str:
        """What is watched: the power of an EVSE, or a variable of the device."""
        watched = self.watch.monitors[monitor]
        evse = self.charger.evses.get((watched["component"].get("evse") or {}).get("id", 1))
        if watched["variable"]["name"] == "Power" and evse is not None:
            return f"{evse.drawn_w(self.charger.now()):f}"
        found = self.charger.device.named(watched["component"]["name"], watched["variable"]["name"])
        return "" if found is None or found.secret else found.value

    def listed(self, _payload: Payload) -> Payload:
        """GetPeriodicEventStream."""
        found = [stream.said for stream in self.open.values()]
        return {"constantStreamData": found} if found else {}

    def adjust(self, payload: Payload) -> Payload:
        """AdjustPeriodicEventStream."""
        stream = self.open.get(payload["id"])
        if stream is None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "UnknownStream"}}
        stream.params = payload["params"]
        return {"status": "Accepted"}
