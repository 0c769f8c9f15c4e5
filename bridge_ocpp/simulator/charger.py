"""The charger itself: what it is made of, how it stays connected and boots.

What drivers do, and the central system from afar, is in `driving`; its WebSocket in `link`, the queue of what must
arrive in `outbox`.
"""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bridge_ocpp.simulator import answers
from bridge_ocpp.simulator.contract import PlugAndCharge
from bridge_ocpp.simulator.device import Device, Variable
from bridge_ocpp.simulator.driving import Driven
from bridge_ocpp.simulator.dynamic import Dynamic
from bridge_ocpp.simulator.grid import Grid
from bridge_ocpp.simulator.limits import Limits
from bridge_ocpp.simulator.link import Link
from bridge_ocpp.simulator.meter import Evse, Payload
from bridge_ocpp.simulator.needs import Needs
from bridge_ocpp.simulator.outbox import Outbox
from bridge_ocpp.simulator.paying import Till
from bridge_ocpp.simulator.reserving import Reservations
from bridge_ocpp.simulator.security import Safe
from bridge_ocpp.simulator.speech16 import Speech16
from bridge_ocpp.simulator.speech21 import Speech21
from bridge_ocpp.simulator.speech201 import Speech201
from bridge_ocpp.simulator.stack import Stack
from bridge_ocpp.simulator.streams import Streams
from bridge_ocpp.simulator.swap import Slots
from bridge_ocpp.simulator.tariffs import Tariffs
from bridge_ocpp.simulator.upkeep import Workshop
from bridge_ocpp.simulator.watching import Watch

SPEECHES: dict[str, Callable[[], Speech16 | Speech201]] = {
    "ocpp1.6": Speech16,
    "ocpp2.0.1": Speech201,
    "ocpp2.1": Speech21,
}

_OF_WORKSHOP = (
    *("FirmwareStatusNotification", "SignedFirmwareStatusNotification", "PublishFirmwareStatusNotification"),
    *("DiagnosticsStatusNotification", "LogStatusNotification"),
)


class NotAccepted(Exception):
    """The central system refused the connection."""


class SimulatedCharger(Driven):
    """A charger with EVSEs that cars can be plugged into. `run()` keeps it connected until it is cancelled.

    `smart` False knows no charging profiles; `refused` are purposes (`TxProfile`, …) that it does not take;
    `unable` actions that it has never heard of. Its EVSEs charge by direct current (`dc`), or are slots for batteries
    (`batteries`, 2.1).
    """

    speech: Speech16 | Speech201

    def __init__(
        self,
        url: str,
        charger_id: str,
        *,
        password: str | None,
        protocol: str = "ocpp1.6",
        evses: int = 1,
        power_w: Decimal = Decimal(11_000),
        phases: int = 3,
        car_a: Decimal | None = None,
        smart: bool = True,
        refused: frozenset[str] = frozenset(),
        dc: bool = False,
        batteries: bool = False,
        sample_every: float | None = None,
        heartbeat_every: float | None = None,
        tell: Callable[[str, str], None] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if protocol not in SPEECHES:
            raise ValueError(f"protocol must be one of {', '.join(SPEECHES)}")
        if not url.startswith(("ws://", "wss://")):
            raise ValueError(f"the bridge's URL begins with ws:// or wss://, not {url}")
        self.url = f"{url.rstrip('/')}/{quote(charger_id, safe='')}"
        self.charger_id = charger_id
        self.speech = SPEECHES[protocol]()
        self.smart = smart
        self.refused = refused
        self.unable: set[str] = set()
        self.stack = Stack()
        steps = self.stack.steps if smart else None
        self.evses = {n: Evse(n, power_w, phases, car_a=car_a, steps=steps, dc=dc) for n in range(1, evses + 1)}
        self.device = Device(changed=self._variable_changed)
        self.boot_reason = "PowerUp"
        self.restart_when_idle = False
        self.clock_shift = timedelta(0)
        self.thinks = 0.0
        self.inoperative: set[int] = set()
        self.online = asyncio.Event()
        self.workshop = Workshop(self)
        self.watch = Watch(self)
        self.safe = Safe(self, password)
        self.contracts = PlugAndCharge(self)
        self.needs = Needs(self)
        self.limits = Limits(self)
        self.reservations = Reservations(self)
        self.dynamic = Dynamic(self, self.needs)
        self.tariffs = Tariffs(self)
        self.grid = Grid(self)
        self.slots = Slots(self, stocked=batteries)
        self.till = Till(self)
        self.streams = Streams(self, self.watch)
        self.sample_every = sample_every
        if sample_every is not None:
            self.device.fix("MeterValueSampleInterval", str(max(1, round(sample_every))))
        self._heartbeat_every = heartbeat_every
        self.tell = tell or (lambda _what, _text: None)
        self._tls = tls
        self.link = Link(self.url, self.speech.protocol, tls=tls, answer=self._answer, soon=self.soon)
        self.outbox = Outbox(self.call)
        self._boots = asyncio.Event()
        self._reachable = asyncio.Event()
        self._reachable.set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def protocol(self) -> str:
        """The version that it speaks, such as `ocpp2.1`."""
        return self.speech.protocol

    def now(self) -> datetime:
        """What the charger's own clock says."""
        return datetime.now(UTC) + self.clock_shift

    # -- the connection ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, boot and listen; after a loss try again, a little later each time. Raises NotAccepted on 401."""
        wait = 0.2
        try:
            while True:
                await self._reachable.wait()
                try:
                    await self._one_connection()
                    wait = 0.2
                except InvalidHandshake as error:
                    status = getattr(getattr(error, "response", None), "status_code", None)
                    if status is not None and status < 500:
                        raise NotAccepted(f"the central system refused the connection: HTTP {status}") from error
                except (OSError, ConnectionClosed, TimeoutError) as error:
                    self.tell("connection", f"no connection to {self.url} ({type(error).__name__}), trying again")
                self.online.clear()
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5.0)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _one_connection(self) -> None:
        headers = {}
        if self.safe.password is not None:
            pair = f"{self.charger_id}:{self.safe.password}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        self.safe.show(self._tls)
        await self.link.hold(headers, self._live, lost=self.online.clear)

    async def _live(self) -> None:
        action, payload = self.speech.boot(self)
        answer = await self.call(action, payload)
        while answer.get("status") != "Accepted":
            self.tell("boot", str(answer.get("status", "not understood")).lower())
            self._boots.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(float(answer.get("interval") or 5), 5.0)):
                    await self._boots.wait()
            answer = await self.call(action, payload)
        self.boot_reason = "PowerUp"
        self.tell("boot", "accepted")
        for evse in self.evses.values():
            await self.call(*self.speech.status(evse, self.now()))
        self.online.set()
        await self.outbox.flush()
        beat = self.device.key("HeartbeatInterval")
        if beat is not None and answer.get("interval"):
            beat.value = str(answer["interval"])
        while True:
            await asyncio.sleep(self._heartbeat_every or float(self.device.value("HeartbeatInterval")) or 300.0)
            await self.call("Heartbeat", {})

    async def _answer(self, action: str, payload: Payload) -> Payload | None:
        await asyncio.sleep(self.thinks)
        answer = answers.answer(self, action, payload)
        said = "NotImplemented" if answer is None else answer.get("status", "answered")
        self.tell("asked", f"{action} → {said}")
        return answer

    async def call(self, action: str, payload: Payload, *, within: float = 30.0) -> Payload:
        """Say something and wait for the answer. Raises ConnectionError when offline, TimeoutError without answer."""
        return await self.link.call(action, payload, within=within)

    async def say(self, action: str, payload: Payload) -> Payload:
        """Say something that is not repeated when it cannot be said; the answer, {} where there is none."""
        try:
            return await self.call(action, payload)
        except (ConnectionError, TimeoutError, ConnectionClosed):
            return {}

    async def send(self, action: str, payload: Payload) -> None:
        """Say something that is never answered (2.1: SEND), where it can be said."""
        with contextlib.suppress(ConnectionError, ConnectionClosed):
            await self.link.send(action, payload)

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something after the answer has left."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def trigger(self, message: str, evse: int | None = None) -> bool:
        """What TriggerMessage asks for, of one EVSE or of all; False for a message that this charger cannot send."""
        if message in self.unable:
            return False
        places = [place for number, place in self.evses.items() if evse in (None, 0, number)]
        if message == "StatusNotification":
            said = [self.speech.status(place, self.now()) for place in places]
        elif message == "MeterValues":
            said = [self.speech.metered(place, self.now()) for place in places]
        elif message == "Heartbeat":
            said = [("Heartbeat", {})]
        elif message == "BootNotification":
            said = [self.speech.boot(self)] if self.online.is_set() else []
            self._boots.set()
        elif message in _OF_WORKSHOP:
            said = [(message, self.workshop.going(message))]
        elif message == "TransactionEvent" and isinstance(self.speech, Speech201):
            self.soon(self._tell_charges(self.speech, places))
            said = []
        else:
            return self.safe.sign_for(message)
        for each in said:
            self.soon(self._said(*each))
        return True

    async def _tell_charges(self, speech: Speech201, places: list[Evse]) -> None:
        for place in places:
            if place.charge is not None:
                at = self.now()
                self._must_say(speech.asked_for, place.charge, at, place.read(at))
        await self.outbox.flush()

    async def _said(self, action: str, payload: Payload) -> None:
        await self.say(action, payload)

    # -- the device ----------------------------------------------------------------------------------------------

    def _variable_changed(self, variable: Variable) -> None:
        self.tell("variable", f"{variable.name} is {'***' if variable.secret else variable.value}")

    async def restart(self, reason: str = "Reboot", *, because: str = "RemoteReset") -> None:
        """Stop what runs, restart, and come back; what waited for a restart counts then."""
        self.restart_when_idle = False
        for evse in list(self.evses):
            await self.charge_ends(evse, reason=reason)
        self.boot_reason = because
        self.device.restarted()
        self.tell("boot", "restarts")
        self.online.clear()
        await self.link.close()

    async def cut(self) -> None:
        """Break the connection, until `mend`; what must arrive is queued."""
        self._reachable.clear()
        self.online.clear()
        self.tell("connection", "cut")
        await self.link.close()

    def mend(self) -> None:
        """The connection may be made again."""
        self.tell("connection", "mended")
        self._reachable.set()

    async def said_all(self) -> None:
        """Wait until everything that was queued has arrived."""
        await self.outbox.emptied()
