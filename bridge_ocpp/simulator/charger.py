"""The charger itself: its connection, its queue of transaction messages, what a driver does, what it is asked.

A transaction's messages are queued while the charger is offline and sent in order when it is back.
"""

import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from bridge_ocpp.simulator.device import Device, Variable
from bridge_ocpp.simulator.meter import Charge, Drawn, Evse, Payload
from bridge_ocpp.simulator.security import Safe
from bridge_ocpp.simulator.speech16 import Speech16
from bridge_ocpp.simulator.speech201 import Speech21, Speech201
from bridge_ocpp.simulator.stack import Stack
from bridge_ocpp.simulator.upkeep import Workshop
from bridge_ocpp.simulator.watching import Watch

Teller = Callable[[str, str], None]

SPEECHES: dict[str, Callable[[], Speech16 | Speech201]] = {
    "ocpp1.6": Speech16,
    "ocpp2.0.1": Speech201,
    "ocpp2.1": Speech21,
}


class NotAccepted(Exception):
    """The central system refused the connection."""


@dataclass
class Queued:
    """A message of a transaction that must arrive. It is worded once, when it is first sent, and repeated alike."""

    say: Callable[[], tuple[str, Payload]]
    heard: Callable[[Payload], None]
    worded: tuple[str, Payload] | None = None

    def words(self) -> tuple[str, Payload]:
        if self.worded is None:
            self.worded = self.say()
        return self.worded


class SimulatedCharger:
    """A charger with EVSEs that cars can be plugged into. `run()` keeps it connected until it is cancelled.

    `smart` False knows no charging profiles; `refused` are purposes (`TxProfile`, …) that it does not take.
    """

    vendor = "Simulated"
    model = "Box"
    firmware = "1.0.0"

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
        sample_every: float | None = None,
        heartbeat_every: float | None = None,
        tell: Teller | None = None,
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
        self.stack = Stack()
        steps = self.stack.steps if smart else None
        self.evses = {n: Evse(n, power_w, phases, car_a=car_a, steps=steps) for n in range(1, evses + 1)}
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
        self._sample_every = sample_every
        if sample_every is not None:
            self.device.fix("MeterValueSampleInterval", str(max(1, round(sample_every))))
        self._heartbeat_every = heartbeat_every
        self.tell = tell or (lambda _what, _text: None)
        self._tls = tls
        self._socket: ClientConnection | None = None
        self._answers: dict[str, asyncio.Future[Payload]] = {}
        self._calling = asyncio.Lock()
        self._queue: list[Queued] = []
        self._flushing = asyncio.Lock()
        self._boots = asyncio.Event()
        self._reachable = asyncio.Event()
        self._reachable.set()
        self._tasks: set[asyncio.Task[None]] = set()

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
        async with connect(
            self.url,
            subprotocols=[Subprotocol(self.speech.protocol)],
            additional_headers=headers,
            compression=None,
            ssl=self._tls,
            proxy=None,
        ) as socket:
            self._socket = socket
            reader = asyncio.create_task(self._read(socket))
            life = asyncio.create_task(self._live())
            try:
                done, _ = await asyncio.wait({reader, life}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                self._socket = None
                self.online.clear()
                for task in (reader, life):
                    task.cancel()
                for future in self._answers.values():
                    if not future.done():
                        future.set_exception(ConnectionError("the connection was lost"))
                self._answers.clear()

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
        await self._flush()
        beat = self.device.key("HeartbeatInterval")
        if beat is not None and answer.get("interval"):
            beat.value = str(answer["interval"])
        while True:
            await asyncio.sleep(self._heartbeat_every or float(self.device.value("HeartbeatInterval")) or 300.0)
            await self.call("Heartbeat", {})

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            frame = json.loads(text, parse_float=Decimal)
            if frame[0] == 2:
                self.soon(self._called(socket, *frame[1:4]))
            elif (future := self._answers.pop(frame[1], None)) is not None and not future.done():
                future.set_result(frame[2] if frame[0] == 3 else {"error": frame[2], "description": frame[3]})

    async def _called(self, socket: ClientConnection, message_id: str, action: str, payload: Payload) -> None:
        await asyncio.sleep(self.thinks)
        answer = await self.speech.answer(self, action, payload)
        said = "NotImplemented" if answer is None else answer.get("status", "answered")
        self.tell("asked", f"{action} → {said}")
        if answer is None:
            frame: list[Any] = [4, message_id, "NotImplemented", f"this charger does not know {action}", {}]
        else:
            frame = [3, message_id, answer]
        with contextlib.suppress(ConnectionClosed):
            await socket.send(json.dumps(frame))

    async def call(self, action: str, payload: Payload, *, within: float = 30.0) -> Payload:
        """Say something and wait for the answer. Raises ConnectionError when offline, TimeoutError without answer."""
        async with self._calling:
            if self._socket is None:
                raise ConnectionError("the charger is offline")
            message_id = str(uuid4())
            future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
            self._answers[message_id] = future
            await self._socket.send(json.dumps([2, message_id, action, payload]))
            async with asyncio.timeout(within):
                return await future

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something after the answer has left."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def trigger(self, message: str) -> bool:
        """What TriggerMessage asks for; False for a message that this charger cannot send."""
        if message == "StatusNotification":
            for evse in self.evses.values():
                self.soon(self.say(*self.speech.status(evse, self.now())))
        elif message == "Heartbeat":
            self.soon(self.say("Heartbeat", {}))
        elif message == "BootNotification":
            if self.online.is_set():
                self.soon(self.say(*self.speech.boot(self)))
            self._boots.set()
        elif message == "MeterValues":
            for evse in self.evses.values():
                self.soon(self.say(*self.speech.metered(evse, self.now())))
        else:
            return False
        return True

    async def say(self, action: str, payload: Payload) -> None:
        """Say something that is not repeated when it cannot be said."""
        with contextlib.suppress(ConnectionError, TimeoutError, ConnectionClosed):
            await self.call(action, payload)

    # -- what a driver does -------------------------------------------------------------------------------------

    async def swipe(self, evse: int, token: str) -> str:
        """Hold a card to the reader: authorise and start, or stop what this card or another of its group has started.

        Returns the verdict, such as `Accepted` or `Invalid`.
        """
        running = self.evses[evse].charge
        if running is not None:
            return await self._swipe_to_stop(running, token)
        await self.set_status(evse, "Preparing")
        verdict, group = await self._verdict(token)
        self.tell("card", verdict)
        if verdict != "Accepted":
            await self.set_status(evse, "Available")
            return verdict
        await self.charge_begins(evse, token, group=group)
        return verdict

    async def _swipe_to_stop(self, charge: Charge, token: str) -> str:
        if token.casefold() == charge.token.casefold():
            await self.charge_ends(charge.evse)
            return "Accepted"
        verdict, group = await self._verdict(token)
        self.tell("card", verdict)
        masters = self.device.named("AuthCtrlr", "MasterPassGroupId")
        master = group is not None and masters is not None and group == masters.value
        if verdict == "Accepted" and group is not None and (master or group == charge.group):
            await self.charge_ends(charge.evse, reason="MasterPass" if master else "Local")
        return verdict

    async def _verdict(self, token: str) -> tuple[str, str | None]:
        """Ask; away from the central system, or where the list goes first, what is known of the token decides."""
        first = self.device.value("LocalPreAuthorize") == "true"
        known = self.device.knows(token)
        if first and known == "Accepted":
            return known, self.device.group_of(token)
        try:
            answer = await self.call(*self.speech.authorize(token))
        except (ConnectionError, ConnectionClosed, TimeoutError):
            unknown = self.device.value("AllowOfflineTxForUnknownId") == "true"
            if known is None or self.device.value("LocalAuthorizeOffline") != "true":
                return "Accepted" if unknown else "Invalid", None
            return known, self.device.group_of(token)
        verdict = self.speech.verdict(answer)
        self.device.remembered[token.casefold()] = verdict
        return verdict, self.speech.group(answer)

    async def charge_begins(
        self,
        evse: int,
        token: str,
        *,
        remote_start_id: int | None = None,
        profile: Payload | None = None,
        group: str | None = None,
    ) -> None:
        """A car is plugged in and charges; a remote start may bring a `profile` for it."""
        place = self.evses[evse]
        now = self.now()
        place.read(now)
        place.charge = Charge(evse, token, now, place.read(now), remote_start_id=remote_start_id, group=group)
        charge = place.charge
        self._enqueue(lambda: self.speech.started(charge), lambda answer: self.speech.name_charge(charge, answer))
        await self._flush()
        if profile is not None and self.smart:
            self.stack.put(evse, profile | {"transactionId": charge.ocpp_id}, key=self.speech.profile_key)
        await self.set_status(evse, "SuspendedEVSE" if place.drawn_w(now) == 0 else "Charging")
        self.tell("charge", f"EVSE {evse} charges at {(place.drawn_w(now) / 1000).normalize():f} kW")
        await self.obey()
        self.soon(self._sampling(place, charge))

    async def _sampling(self, place: Evse, charge: Charge) -> None:
        while True:
            await asyncio.sleep(self._sample_every or float(self.device.value("MeterValueSampleInterval")) or 60.0)
            if place.charge is not charge:
                return
            at = self.now()
            await self.obey()
            self.sample(place, at)
            await self._flush()

    def sample(self, place: Evse, at: datetime) -> None:
        """Queue what the meter shows."""
        if place.charge is not None:
            meter = place.read(at)
            drawn = Drawn(place.drawn_w(at), place.drawn_a(at), place.offered_a(at), place.phases)
            self._enqueue_said(self.speech.sampled, place.charge, at, meter, drawn)

    def meter_now(self) -> None:
        """Read every meter: what comes after is drawn at another power."""
        for place in self.evses.values():
            place.read(self.now())

    def refuses(self, purpose: str) -> bool:
        return purpose in self.refused

    async def obey(self) -> None:
        """Say which charges the profiles hold back, and measure those whose current has changed."""
        at = self.now()
        for place in self.evses.values():
            charge = place.charge
            if charge is None or charge.suspended:
                continue
            held, offered = place.drawn_w(at) == 0, place.offered_a(at)
            if charge.offered_a not in (None, offered):
                self.tell("limit", f"EVSE {place.number} may draw {offered:f} A")
                self.sample(place, at)
            charge.offered_a, charge.held = offered, held
            await self.set_status(place.number, "SuspendedEVSE" if held else "Charging")
        await self._flush()

    async def suspend(self, evse: int) -> None:
        """The car is full: it stays plugged in and takes no more power."""
        place = self.evses[evse]
        if place.charge is not None:
            at = self.now()
            place.read(at)
            place.charge.suspended = True
            self.sample(place, at)
            await self._flush()
            await self.set_status(evse, "SuspendedEV")

    async def charge_ends(self, evse: int, *, reason: str = "Local") -> None:
        """Stop the charge at an EVSE and let the car drive away."""
        place = self.evses[evse]
        charge = place.charge
        if charge is None:
            return
        at = self.now()
        meter = place.read(at)
        place.charge = None
        self.stack.ended(charge.ocpp_id)
        charge.stop_reason = reason
        self._enqueue_said(self.speech.stopped, charge, at, meter)
        await self._flush()
        self.tell("charge", f"EVSE {evse} stopped after {(meter - charge.meter_start) / 1000:f} kWh")
        await self.set_status(evse, "Finishing")
        await self.set_status(evse, "Unavailable" if evse in self.inoperative else "Available")
        if self.restart_when_idle and not self.charging():
            self.soon(self.restart("ImmediateReset"))

    async def set_status(self, evse: int, status: str) -> None:
        """Change what the EVSE says of itself."""
        place = self.evses[evse]
        if place.status != status:
            place.status = status
            await self.say(*self.speech.status(place, self.now()))

    # -- the device ----------------------------------------------------------------------------------------------

    def _variable_changed(self, variable: Variable) -> None:
        self.tell("variable", f"{variable.name} is {'***' if variable.secret else variable.value}")
        if variable.secret:
            self._password = variable.value

    def charging(self) -> bool:
        return any(evse.charge is not None for evse in self.evses.values())

    async def restart(self, reason: str = "Reboot", *, because: str = "RemoteReset") -> None:
        """Stop what runs, restart, and come back; what waited for a restart counts then."""
        self.restart_when_idle = False
        for evse in list(self.evses):
            await self.charge_ends(evse, reason=reason)
        self.boot_reason = because
        self.device.restarted()
        self.tell("boot", "restarts")
        self.online.clear()
        if self._socket is not None:
            await self._socket.close()

    async def cut(self) -> None:
        """Break the connection, until `mend`; what must arrive is queued."""
        self._reachable.clear()
        self.online.clear()
        self.tell("connection", "cut")
        if self._socket is not None:
            await self._socket.close()

    def mend(self) -> None:
        """The connection may be made again."""
        self.tell("connection", "mended")
        self._reachable.set()

    async def said_all(self) -> None:
        """Wait until everything that was queued has arrived."""
        while self._queue:
            await self._flush()
            await asyncio.sleep(0.05)

    def change_availability(self, number: int | None, *, operative: bool) -> str:
        """One EVSE, or all of them: Accepted, or Scheduled where a car charges; Rejected for one that there is not."""
        if number is not None and number not in self.evses:
            return "Rejected"
        status = "Accepted"
        for evse in self.evses.values():
            if number not in (None, evse.number):
                continue
            (self.inoperative.discard if operative else self.inoperative.add)(evse.number)
            if evse.charge is not None:
                status = "Scheduled"
            else:
                self.soon(self.set_status(evse.number, "Available" if operative else "Unavailable"))
        return status

    # -- what the central system asks for ----------------------------------------------------------------------------

    def free_evse(self, number: int | None) -> Evse | None:
        wanted = [self.evses[number]] if number in self.evses else [] if number else list(self.evses.values())
        return next((e for e in wanted if e.charge is None and e.status not in ("Faulted", "Unavailable")), None)

    def charge_named(self, ocpp_id: int | str) -> Charge | None:
        charges = (evse.charge for evse in self.evses.values() if evse.charge is not None)
        return next((charge for charge in charges if str(charge.ocpp_id) == str(ocpp_id)), None)

    async def unlocked(self, evse: int) -> None:
        if evse in self.evses:
            await self.charge_ends(evse, reason="UnlockCommand")

    async def reserve(self, evse: int | None, reservation: int, token: str) -> str:
        place = self.free_evse(evse)
        if place is None:
            return "Occupied"
        place.reservation = (reservation, token)
        self.soon(self.set_status(place.number, "Reserved"))
        return "Accepted"

    async def release(self, reservation: int) -> bool:
        for place in self.evses.values():
            if place.reservation is not None and place.reservation[0] == reservation:
                place.reservation = None
                self.soon(self.set_status(place.number, "Available"))
                return True
        return False

    # -- the queue of transaction messages ---------------------------------------------------------------------------

    def _enqueue_said(self, say: Callable[..., tuple[str, Payload]], charge: Charge, *facts: Any) -> None:
        self._enqueue(lambda: say(charge, *facts), self._heard_cost)

    def _heard_cost(self, answer: Payload) -> None:
        if answer.get("totalCost") is not None:
            self.watch.cost(answer["totalCost"])

    def _enqueue(self, say: Callable[[], tuple[str, Payload]], heard: Callable[[Payload], None]) -> None:
        self._queue.append(Queued(say, heard))

    async def _flush(self) -> None:
        """Send what is queued, in order; what meets a lost connection stays for the next one."""
        async with self._flushing:
            while self._queue:
                first = self._queue[0]
                try:
                    answer = await self.call(*first.words())
                except (ConnectionError, ConnectionClosed, TimeoutError):
                    return
                if "error" not in answer:
                    first.heard(answer)
                self._queue.pop(0)
