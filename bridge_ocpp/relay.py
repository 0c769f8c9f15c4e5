"""Asking a charger from any process: a lease in Valkey says which bridge holds its socket, and that one is asked.

Questions are published, never queued: one that nobody hears is not executed later. Everything here may be lost; the
asker then sees OFFLINE or TIMEOUT.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from bridge_ocpp import codec, ocppj
from bridge_ocpp.port import Command, Outcome, OutcomeStatus

log = structlog.get_logger()

REMEMBERED = 1000
"""Questions that one process knows again when Valkey delivers them twice."""
ANSWER_LIFE = 60
BATCH = 500
PAUSE = 0.1
PATIENCE = 1.0
"""Seconds that a holder may be deaf, such as right after Valkey came back, before its chargers count as offline."""

_DROP = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"

Ask = Callable[[str, Command, float], Awaitable[Outcome]]
Drop = Callable[[str, int], Awaitable[None]]


def _lease(charger_key: str) -> str:
    return f"ocpp:lease:{charger_key}"


def _ear(process_id: UUID | str) -> str:
    return f"ocpp:bridge:{process_id}"


def _answer(question_id: str) -> str:
    return f"ocpp:answer:{question_id}"


class RedisChargerPort:
    """The ChargerPort of every process that is not the charger's own bridge."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._redis = client

    async def ask(self, charger_id: str, command: Command, *, within: timedelta) -> Outcome:
        """See port.ChargerPort. OFFLINE at once when no bridge holds the charger; FAILED when Valkey is unreachable."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within.total_seconds()
        question_id = uuid4().hex
        question = {"id": question_id, "charger": charger_id.casefold(), "within": within.total_seconds()}
        text = ocppj.dumps({**question, **codec.write_command(command)})
        try:
            if not await self._published(charger_id.casefold(), text, until=min(deadline, loop.time() + PATIENCE)):
                return Outcome(OutcomeStatus.OFFLINE, "the charger is not connected")
        except RedisError as error:
            log.warning("relay.unreachable", error=type(error).__name__)
            return Outcome(OutcomeStatus.FAILED, "the bridge cannot be reached: Valkey does not answer")
        return await self._answered(question_id, deadline)

    async def _published(self, charger_key: str, text: str, *, until: float) -> bool:
        """Whether a bridge heard the question. A lease whose holder is deaf gets a second chance."""
        loop = asyncio.get_running_loop()
        while (holder := await self._redis.get(_lease(charger_key))) is not None:
            if await self._redis.publish(_ear(_text(holder)), text):
                return True
            if loop.time() >= until:
                return False
            await asyncio.sleep(PAUSE)
        return False

    async def _answered(self, question_id: str, deadline: float) -> Outcome:
        loop = asyncio.get_running_loop()
        while (left := deadline - loop.time()) > 0:
            try:
                async with asyncio.timeout(left):
                    found: Any = await self._redis.blpop([_answer(question_id)], timeout=left)
            except TimeoutError:
                break
            except RedisError:
                await asyncio.sleep(min(PAUSE, left))
                continue
            if found is not None:
                return codec.read_outcome(found[1])
        return Outcome(OutcomeStatus.TIMEOUT, "no answer in time")


class Together:
    """Commands over one connection, in their order; who comes while others are on their way goes with the next ones.

    Thousands of chargers that come or go at once would else be as many connections to Valkey.
    """

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._redis = client
        self._waiting: list[tuple[tuple[Any, ...], asyncio.Future[None]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def say(self, command: tuple[Any, ...]) -> None:
        """Returns once it was executed. Raises RedisError when its pipeline failed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._run())
        await future

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            pipeline = self._redis.pipeline(transaction=False)
            for command, _ in batch:
                pipeline.execute_command(*command)
            failed: Exception | None = None
            try:
                await pipeline.execute()
            except Exception as error:
                failed = error
            for _, future in batch:
                if future.done():
                    continue
                if failed is None:
                    future.set_result(None)
                else:
                    future.set_exception(failed)


class Ear:
    """A bridge process's side: it holds leases for its chargers, hears questions, and gives answers."""

    def __init__(self, client: "redis.asyncio.Redis", process_id: UUID, *, lease: float) -> None:
        self.process_id = process_id
        self._redis = client
        self._together = Together(client)
        self._lease = max(1000, int(lease * 1000))
        self._heard: OrderedDict[str, None] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self.listening = asyncio.Event()

    async def hold(self, charger_keys: Iterable[str]) -> None:
        """Say, or say again, that these chargers are connected here."""
        with _tolerated("relay.no_lease"):
            commands = [("SET", _lease(key), str(self.process_id), "PX", self._lease) for key in charger_keys]
            await asyncio.gather(*map(self._together.say, commands))

    async def let_go(self, charger_key: str) -> None:
        """The charger is not connected here any more; another process's lease stays."""
        with _tolerated("relay.lease_stays"):
            await self._together.say(("EVAL", _DROP, 1, _lease(charger_key), str(self.process_id)))

    async def superseded(self, process_id: UUID, charger_key: str, generation: int) -> None:
        """Tell another process that its socket of this charger is older than `generation`."""
        with _tolerated("relay.not_told"):
            await self._redis.publish(_ear(process_id), ocppj.dumps({"drop": charger_key, "generation": generation}))

    async def listen(self, *, ask: Ask, drop: Drop) -> None:
        """Hear until cancelled, through every restart of Valkey."""
        try:
            while True:
                try:
                    await self._hear(ask, drop)
                except RedisError as error:
                    self.listening.clear()
                    log.warning("relay.deaf", error=type(error).__name__)
                    await asyncio.sleep(PAUSE)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _hear(self, ask: Ask, drop: Drop) -> None:
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(_ear(self.process_id))
            async for message in pubsub.listen():
                if message["type"] == "subscribe":
                    self.listening.set()
                elif message["type"] == "message":
                    self._soon(self._take(message["data"], ask, drop))

    async def _take(self, data: bytes | str, ask: Ask, drop: Drop) -> None:
        try:
            said = ocppj.loads(_text(data))
            if "drop" in said:
                await drop(said["drop"], said["generation"])
                return
            question_id, charger_key, within = said["id"], said["charger"], float(said["within"])
            command = codec.read_command(said)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("relay.not_understood", error=type(error).__name__)
            return
        if question_id in self._heard:
            return
        self._heard[question_id] = None
        if len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)
        await self._give(question_id, await ask(charger_key, command, within))

    async def _give(self, question_id: str, outcome: Outcome) -> None:
        for _ in range(int(PATIENCE * 5 / PAUSE)):
            try:
                pipeline = self._redis.pipeline(transaction=True)
                pipeline.rpush(_answer(question_id), codec.write_outcome(outcome))
                pipeline.expire(_answer(question_id), ANSWER_LIFE)
                await pipeline.execute()
                return
            except RedisError:
                await asyncio.sleep(PAUSE)
        log.warning("relay.answer_lost", outcome=outcome.status.value)

    def _soon(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@contextlib.contextmanager
def _tolerated(event: str) -> Any:
    """Valkey may be away: what was to be said is said again with the next beat."""
    try:
        yield
    except RedisError as error:
        log.warning(event, error=type(error).__name__)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
