"""The bridge assembled: listener, seats, timers, and the ear for questions from other processes.

`async with Bridge(…).run() as bridge:` is the whole life of it. It commits nothing itself: units of work do.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import uuid4

import redis.asyncio
import structlog

from bridge_ocpp import procedures, status, transactions
from bridge_ocpp.config import BridgeConfig
from bridge_ocpp.connection import Connection
from bridge_ocpp.devices import tending
from bridge_ocpp.errands.running import Errands
from bridge_ocpp.handlers import Reception
from bridge_ocpp.journal import Journal
from bridge_ocpp.ledger import Ledger, UnitOfWork
from bridge_ocpp.port import Attend, Command, HubPort, Nobody, Outcome, OutcomeStatus, Outside
from bridge_ocpp.relay import Ear, RedisChargerPort
from bridge_ocpp.seats import DRAIN, Seats
from bridge_ocpp.security import delivering, events, signing
from bridge_ocpp.security.admission import Known
from bridge_ocpp.security.tls import ClientCertificate, Identity
from bridge_ocpp.server import listening
from bridge_ocpp.smart import keeping, needs
from bridge_ocpp.smart.balancer import Balancer
from bridge_ocpp.upkeep.foreman import Foreman

log = structlog.get_logger()

PRUNING = 3600.0
RENEWING = 1800.0


class Bridge:
    """An OCPP central system. `config.port` 0 takes any free port; `url` says which.

    `outside` asks the world for chargers (None: nobody is asked). Raises OSError or ValueError for TLS files or
    authorities that cannot serve.
    """

    def __init__(
        self,
        config: BridgeConfig,
        *,
        unit_of_work: UnitOfWork,
        redis: "redis.asyncio.Redis",
        hub: HubPort,
        now: Callable[[], datetime],
        outside: Outside | None = None,
    ) -> None:
        self.config = config
        self.port = config.port
        self.tls_port = config.tls_port
        self._identity = Identity(config.tls) if config.tls is not None else None
        self.process_id = uuid4()
        self._now = now
        self._hub = hub
        self._ledger = Ledger(unit_of_work, writers=config.writers, askers=config.askers, timeout=config.write_timeout)
        self._journal = Journal()
        self._beat_every = min(5.0, config.ping_interval / 4)
        self._ear = Ear(redis, self.process_id, lease=config.ping_interval * 1.5)
        desk = Reception(config, self._ledger, hub, now, outside=outside or Nobody())
        self._arrivals, self._departures = desk.arrivals, desk.departures
        self._seats = Seats(desk, self._journal, self._ear)
        self._foreman = Foreman(desk, self._seats.connections)
        self._errands = Errands(
            self._ledger,
            self.process_id,
            connections=lambda: self.connections,
            kinds={**tending.KINDS, **delivering.KINDS},
            at_once=config.errands_at_once,
        )
        self.balancer = Balancer(self._ledger, hub, RedisChargerPort(redis), now=now, sharing=desk.sharing)
        self._timers: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """Where chargers connect, without their id: `ws://127.0.0.1:9000/ocpp`."""
        plain = self._identity is None or self.config.tls_port is not None
        return self._url("ws" if plain else "wss", self.port)

    @property
    def tls_url(self) -> str | None:
        """The same for TLS; None where the bridge speaks none."""
        return None if self._identity is None else self._url("wss", self.tls_port)

    def _url(self, scheme: str, port: int | None) -> str:
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        return f"{scheme}://{host}:{port}/ocpp"

    @property
    def connections(self) -> dict[str, Connection]:
        """The chargers that are connected here, by their ids in lower case."""
        return self._seats.connections

    @asynccontextmanager
    async def run(self) -> AsyncIterator["Bridge"]:
        """Listen while inside. Leaving closes the sockets, lets what was heard be handled, and tells nobody offline:
        chargers that come back within a ping interval, to this process restarted or to another, were never away."""
        await self._alive()
        await self.watch_tls()
        self._timers = [
            asyncio.create_task(work)
            for work in (
                self._ear.listen(ask=self._ask, drop=self._seats.drop),
                self._every(self.config.flush_interval, self.flush),
                self._every(self._beat_every, self.beat),
                self._every(self.config.ping_interval / 2, self.look_round),
                self._every(self._beat_every, self.go_round),
                self._every(self.config.balance_interval, self.balancer.look),
                self._every(PRUNING, self.prune),
                self._every(RENEWING, self.renew_certificates),
                self._every(self.config.errand_interval, self.attend),
                self._every(self.config.tls_watch, self.watch_tls),
            )
        ]
        try:
            async with listening(
                self.config, identity=self._identity, lookup=self._lookup, connected=self._seats.serve, now=self._now
            ) as ports:
                self.port, self.tls_port = ports[0], ports[-1]
                log.info("bridge.listening", url=self.url, tls_url=self.tls_url)
                try:
                    yield self
                finally:
                    self._seats.closing = True
            if self._seats.leaving:
                await asyncio.wait(self._seats.leaving, timeout=DRAIN)
        finally:
            self.balancer.stop()
            await _stopped(self._timers)
            await self._errands.aclose()
            self._foreman.stop()
            await self._last_words()

    async def _lookup(self, charger_key: str, certificate: ClientCertificate | None) -> Known | None:
        return await self._arrivals.known((charger_key, certificate))

    async def watch_tls(self) -> None:
        """Read the TLS files again where they have changed, and our own authorities; open sockets notice nothing."""
        if self._identity is not None:
            now = self._now()
            self._identity.refresh(await self._ledger.write(lambda db: signing.trusted(db, now=now)))

    async def _ask(self, charger_key: str, command: Command, within: float) -> Outcome:
        """A question from another process."""
        connection = self.connections.get(charger_key)
        if connection is None or connection.asker.gone:
            await self._ear.let_go(charger_key)
            return Outcome(OutcomeStatus.OFFLINE, "the charger is not connected")
        try:
            if isinstance(command, Attend):
                await self._errands.run_due(now=self._now(), charger_key=charger_key)
                return Outcome(OutcomeStatus.ACCEPTED)
            return await procedures.execute(connection, command, within=within)
        except Exception as error:
            log.exception("bridge.command_failed", charger=connection.speaker.id, error=type(error).__name__)
            return Outcome(OutcomeStatus.FAILED, "the bridge could not ask the charger")

    # --- timers -------------------------------------------------------------------------------------------------

    async def beat(self) -> None:
        """Say that this process lives, and do what is due.

        Who is dead is asked of the moment at which we lived: settling may be slow, a machine may sleep and its clock
        leap, and we would take our own chargers for those of a dead process.
        """
        now = self._now()
        await self._alive(now=now)
        await self.settle()
        grace = timedelta(seconds=self.config.ping_interval)
        await self._departures.release_lost(now=now, grace=grace)

    async def look_round(self) -> None:
        """Hold the leases of the chargers that are here, and put right what an outage left behind."""
        await self._ear.hold(self.connections)
        await self._seats.reconcile()

    async def settle(self) -> None:
        """Tell the ends of transactions whose missing messages did not come in time."""
        now, hub = self._now(), self._hub
        while await self._ledger.write(lambda db: transactions.settle_due(db, hub, now=now)):
            pass

    async def go_round(self) -> None:
        """Ask the chargers that are here what upkeep has for them."""
        await self._foreman.go_round()

    async def flush(self) -> None:
        """Write down what may be lost: the journal, and quirks."""
        while self._journal.waiting():
            await self._ledger.write(self._journal.write)
        for connection in list(self.connections.values()):
            await self._seats.keep_quirks(connection.speaker)

    async def attend(self) -> None:
        """Begin what is owed to the chargers that are here and due."""
        await self._errands.run_due(now=self._now())

    async def prune(self) -> None:
        """Let go of old frames, loose meter values and remote starts that nothing followed."""
        now, kept = self._now(), self.config.frames_kept
        before = now - timedelta(days=self.config.frames_days)
        await self._ledger.write(lambda db: self._journal.prune(db, per_charger=kept, before=before))
        await self._ledger.write(lambda db: status.prune(db, now=now, before=before))
        await self._ledger.write(keeping.prune)
        await self._ledger.write(lambda db: needs.prune(db, now=now))
        await self._ledger.write(lambda db: events.prune(db, now=now))

    async def renew_certificates(self) -> None:
        """Have chargers asked for new requests whose certificates end soon."""
        now = self._now()
        if count := await self._ledger.write(lambda db: signing.owe_renewals(db, now=now)):
            log.info("bridge.renewals_owed", count=count)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except Exception as error:
                log.exception("bridge.timer_failed", error=type(error).__name__)

    async def _alive(self, *, now: datetime | None = None, lease: float | None = None) -> None:
        at, span = now or self._now(), timedelta(seconds=self._beat_every * 3 if lease is None else lease)
        await self._ledger.write(lambda db: status.alive(db, self.process_id, now=at, lease=span))

    async def _last_words(self) -> None:
        try:
            async with asyncio.timeout(DRAIN):
                await self.flush()
                await self._alive(lease=0.0)
        except Exception as error:
            log.warning("bridge.no_last_words", error=type(error).__name__)


async def _stopped(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel until it is done: the Valkey client swallows a cancellation that meets it while it connects."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.05)
