"""A bridge on real PostgreSQL and Valkey, a business side that writes down what it hears, and chargers."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis.asyncio
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bridge_ocpp import port
from bridge_ocpp.book import Book
from bridge_ocpp.bridge import Bridge
from bridge_ocpp.config import BridgeConfig, Signing
from bridge_ocpp.ledger import UnitOfWork
from bridge_ocpp.relay import RedisChargerPort
from ocpi_hub.base.database import open_engine, session_maker, unit_of_work
from tests.world.waiting import until

PEPPER = b"p" * 32
SEAL = b"s" * 32
PASSWORD = "a-good-password"


@dataclass
class BusinessSide:
    """A HubPort that writes every event to a table of its own, in the bridge's transaction."""

    verdict: port.Verdict = field(default_factory=lambda: port.Verdict(port.AuthStatus.ACCEPTED))
    hangs: asyncio.Event | None = None
    raises: Exception | None = None
    stuck: asyncio.Event | None = None
    asked: list[tuple[port.IdToken, port.Where]] = field(default_factory=list)
    events: list[port.Event] = field(default_factory=list)
    costs: dict[str, Decimal] = field(default_factory=dict)

    async def heard(self, event: port.Event, db: AsyncSession) -> None:
        self.events.append(event)
        if self.stuck is not None:
            await self.stuck.wait()
        await db.execute(
            text("INSERT INTO heard (kind, charger, body) VALUES (:kind, :charger, :body)"),
            {"kind": type(event).__name__, "charger": event.charger_id, "body": repr(event)},
        )
        if self.raises is not None:
            raise self.raises

    async def heard_all(self, events: Sequence[port.Event], db: AsyncSession) -> None:
        for event in events:
            await self.heard(event, db)

    async def cost_of(self, transaction_id: str, db: AsyncSession) -> Decimal | None:
        return self.costs.get(transaction_id)

    async def may_charge(self, token: port.IdToken, where: port.Where, db: AsyncSession) -> port.Verdict:
        self.asked.append((token, where))
        if self.hangs is not None:
            await self.hangs.wait()
        return self.verdict


@dataclass
class Place:
    """Everything that a test of the bridge works with."""

    engine: AsyncEngine
    redis: "redis.asyncio.Redis"
    hub: BusinessSide
    bridge: Bridge
    book: Book
    chargers: RedisChargerPort
    work: UnitOfWork
    config: BridgeConfig
    clock: "Clock"

    async def register(
        self, charger_id: str, *, password: str | None = PASSWORD, profile: int = 1, booted: bool = True
    ) -> None:
        """A charger that has `booted` before, so that it may say anything without booting first."""
        async with self.work() as db:
            await self.book.register(port.NewCharger(charger_id, password, profile), db)
            if booted:
                key = charger_id.casefold()
                await db.execute(
                    text("UPDATE ocpp_charger SET boot_answer = 'Accepted' WHERE key = :key"), {"key": key}
                )

    async def seated(self, charger_id: str, *, bridge: Bridge | None = None) -> None:
        """Wait until this charger's socket is the one that counts, and can be asked from elsewhere."""
        key, there = charger_id.casefold(), bridge or self.bridge
        await until(lambda: key in there.connections)
        holder = str(there.process_id).encode()
        await until(lambda: self.lease_is(key, holder))

    async def lease_is(self, key: str, holder: bytes) -> bool:
        return bool(await self.redis.get(f"ocpp:lease:{key}") == holder)

    async def heard(self, kind: str) -> int:
        """How many events of this kind were committed."""
        return int(await self.value("SELECT count(*) FROM heard WHERE kind = :kind", kind=kind))

    async def value(self, statement: str, **values: Any) -> Any:
        async with self.engine.connect() as connection:
            return await connection.scalar(text(statement), values)

    async def execute(self, statement: str) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(statement))

    async def record(self, charger_id: str) -> port.ChargerRecord:
        async with self.work() as db:
            found = await self.book.charger(charger_id, db)
        assert found is not None
        return found

    async def has_quirks(self, charger_id: str, *quirks: str) -> None:
        """Wait until this charger's list is exactly this; it is written behind."""
        await until(lambda: self._quirks_are(charger_id, sorted(quirks)))

    async def _quirks_are(self, charger_id: str, quirks: list[str]) -> bool:
        return sorted((await self.record(charger_id)).quirks) == quirks

    async def transactions(self, **which: Any) -> list[port.Transaction]:
        async with self.work() as db:
            return list(await self.book.transactions(port.TransactionFilter(**which), db))

    async def transaction(
        self, transaction_id: str
    ) -> tuple[port.Transaction, tuple[port.Sample, ...], tuple[port.StateChange, ...]]:
        async with self.work() as db:
            found = await self.book.transaction(transaction_id, db)
        assert found is not None
        return found

    async def ask(self, charger_id: str, command: port.Command, *, within: float = 5.0) -> port.Outcome:
        return await self.chargers.ask(charger_id, command, within=timedelta(seconds=within))

    def told(self, kind: type[port.Event]) -> list[Any]:
        """The events of this kind that the business side heard, committed or not."""
        return [event for event in self.hub.events if type(event) is kind]

    @asynccontextmanager
    async def another(self, **changes: Any) -> AsyncIterator[Bridge]:
        """A second bridge process on the same servers."""
        config = replace(self.config, **changes)
        bridge = Bridge(config, unit_of_work=self.work, redis=self.redis, hub=self.hub, now=self.clock)
        async with bridge.run():
            yield bridge


class Clock:
    """The real clock, moved by `shift`."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.shift


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """Logs as lines: structlog's own default paints tracebacks, which takes seconds."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=repr)]
    )
    yield
    structlog.reset_defaults()


@pytest.fixture
def config() -> BridgeConfig:
    return BridgeConfig(
        host="127.0.0.1",
        port=0,
        secret=PEPPER,
        ping_interval=2.0,
        charger_timeout=2.0,
        verdict_timeout=1.0,
        settle_window=900.0,
        flush_interval=0.05,
        signing=Signing(SEAL),
        provisioning=False,
        errand_interval=0.5,
        errand_spread=0.0,
    )


@pytest.fixture
def outside() -> port.Outside:
    """Who asks the world for chargers; a test that needs answers has a fixture of its own."""
    return port.Nobody()


@pytest.fixture
async def place(database_url: str, redis_url: str, config: BridgeConfig, outside: port.Outside) -> AsyncIterator[Place]:
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE heard (id bigserial, kind text, charger text, body text)"))
    sessions = session_maker(engine)
    client: redis.asyncio.Redis = redis.asyncio.from_url(redis_url)

    async def ring(_bells: list[Any]) -> None:
        return None

    def work() -> Any:
        return unit_of_work(sessions, ring)

    hub, clock = BusinessSide(), Clock()
    bridge = Bridge(config, unit_of_work=work, redis=client, hub=hub, now=clock, outside=outside)
    async with bridge.run():
        yield Place(engine, client, hub, bridge, Book(PEPPER, now=clock), RedisChargerPort(client), work, config, clock)
    await client.aclose()
    await engine.dispose()
