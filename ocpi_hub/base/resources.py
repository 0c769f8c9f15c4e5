"""What one process holds open: settings, database, Valkey, clock; the same for API, bridge, worker, CLI and tests.

Rooms above keep their own one-per-process things here too (the partner client, the directory), opened on
first use by their type and closed with the rest.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol, Self, TypeVar, cast

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from ocpi_hub.base.database import Bell, alone, open_engine, session_maker, unit_of_work
from ocpi_hub.base.settings import Settings

Clock = Callable[[], datetime]


class Held(Protocol):
    """Something that a process holds once: opened by its class, closed at the end."""

    @classmethod
    def open(cls, resources: "Resources") -> Self: ...

    async def aclose(self) -> None: ...


H = TypeVar("H", bound=Held)
T = TypeVar("T")


def utc_now() -> datetime:
    return datetime.now(UTC)


class Resources:
    """One process's open things. `ring` is how bells leave this process; tests may replace it and the clock."""

    def __init__(
        self,
        settings: Settings,
        *,
        engine: AsyncEngine,
        redis_client: "redis.asyncio.Redis",
        clock: Clock = utc_now,
        ring: Callable[[list[Bell]], Awaitable[None]] | None = None,
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.alone = alone(engine)
        self.sessions: async_sessionmaker[AsyncSession] = session_maker(engine, {Resources: self})
        self.redis = redis_client
        self.clock = clock
        self._ring = ring
        self._held: dict[type, Any] = {}

    async def ring(self, bells: list[Bell]) -> None:
        """Let the bells of a committed transaction ring. A lost bell delays work until the sweep, nothing more."""
        if self._ring is not None:
            await self._ring(bells)

    def unit_of_work(self) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction with its bells."""
        return unit_of_work(self.sessions, self.ring)

    def one(self, kind: type[H]) -> H:
        """This process's only `kind`, opened on first use."""
        if kind not in self._held:
            self._held[kind] = kind.open(self)
        return cast(H, self._held[kind])

    def put(self, kind: type[T], thing: T) -> T:
        """Hold `thing` as this process's `kind`: how an entry point binds a Protocol, and a test its stand-in."""
        self._held[kind] = thing
        return thing

    def get(self, kind: type[T]) -> T:
        """What an entry point bound with `put`. Raises LookupError naming the missing thing."""
        try:
            return cast(T, self._held[kind])
        except KeyError:
            raise LookupError(f"this process holds no {kind.__name__}") from None

    async def aclose(self) -> None:
        """Close everything, the last opened first."""
        for thing in reversed(list(self._held.values())):
            close = getattr(thing, "aclose", None)
            if close is not None:
                await close()
        self._held.clear()
        await self.redis.aclose()
        await self.engine.dispose()


def resources_of(db: AsyncSession) -> Resources:
    """The open things of the process that a transaction belongs to. Raises LookupError for one that was opened without.

    For rules that hold in every transaction, wherever it began.
    """
    try:
        return cast(Resources, db.info[Resources])
    except KeyError:
        raise LookupError("this transaction was not opened by a process's resources") from None


def required_urls(settings: Settings) -> tuple[str, str]:
    """The two server URLs. Raises ValueError with the way out when one is missing."""
    if settings.database_url is None or settings.redis_url is None:
        raise ValueError(
            "no hub is running here: start `ocpi-hub serve`, or set OCPI_HUB_DATABASE_URL and OCPI_HUB_REDIS_URL"
        )
    return settings.database_url.get_secret_value(), settings.redis_url.get_secret_value()


def open_redis(url: str) -> "redis.asyncio.Redis":
    """A client that fails fast: whoever needs Valkey has a second way and must not wait for it."""
    client: redis.asyncio.Redis = redis.asyncio.from_url(
        url, socket_connect_timeout=2, socket_timeout=None, retry=Retry(NoBackoff(), 1)
    )
    return client


@asynccontextmanager
async def open_resources(
    settings: Settings,
    *,
    pool_size: int = 10,
    clock: Clock = utc_now,
    ring: Callable[[list[Bell]], Awaitable[None]] | None = None,
) -> AsyncIterator[Resources]:
    """Open what a process needs, and close it on leaving. Connections are made on first use."""
    database_url, redis_url = required_urls(settings)
    resources = Resources(
        settings,
        engine=open_engine(database_url, pool_size=pool_size),
        redis_client=open_redis(redis_url),
        clock=clock,
        ring=ring,
    )
    try:
        yield resources
    finally:
        await resources.aclose()
