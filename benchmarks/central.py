"""What is measured, and what it is measured beside: `python -m benchmarks.central echo|ocpp|bridge`.

It prints its URL and serves. The bridge answers each line on its input with what it uses, and ends with its input.
"""

import asyncio
import gc
import json
import os
import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter

import psutil
from ocpp.routing import on
from ocpp.v16 import ChargePoint as Point16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as Point201
from ocpp.v201 import call_result as result201
from sqlalchemy import text
from uvicorn.loops.auto import auto_loop_factory
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from bridge_ocpp.port import ChargerBook, NewCharger
from ocpi_hub.base.log import configure_logs
from ocpi_hub.base.resources import Resources, open_resources
from ocpi_hub.base.settings import Settings
from ocpi_hub.bridge import bridging
from ocpi_hub.chargers.binding import bind
from ocpi_hub.embedded.migrate import migrate
from ocpi_hub.embedded.servers import Urls, running

PASSWORD = "a-good-password"
FLEET = int(os.environ.get("BENCH_FLEET", "5000"))
NOW = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
ANSWER = {"status": "Accepted", "currentTime": NOW, "interval": 300, "transactionId": 1}


async def echo(socket) -> None:
    """Parses JSON, answers, stores nothing."""
    with suppress(ConnectionClosed):
        async for frame in socket:
            await socket.send(json.dumps([3, json.loads(frame)[1], ANSWER]))


class Old(Point16):
    @on("BootNotification")
    def boot(self, **_):
        return result16.BootNotification(current_time=NOW, interval=300, status="Accepted")

    @on("Heartbeat")
    def beat(self):
        return result16.Heartbeat(current_time=NOW)

    @on("StartTransaction")
    def begin(self, **_):
        return result16.StartTransaction(transaction_id=1, id_tag_info={"status": "Accepted"})

    @on("MeterValues")
    def meter(self, **_):
        return result16.MeterValues()


class New(Point201):
    @on("BootNotification")
    def boot(self, **_):
        return result201.BootNotification(current_time=NOW, interval=300, status="Accepted")

    @on("TransactionEvent")
    def event(self, **_):
        return result201.TransactionEvent()


async def library(socket) -> None:
    kind = Old if socket.subprotocol == "ocpp1.6" else New
    with suppress(ConnectionClosed):
        await kind(socket.request.path.rpartition("/")[2], socket).start()


async def run(kind: str) -> None:
    handler = {"echo": echo, "ocpp": library}[kind]
    async with serve(
        handler, "127.0.0.1", 0, subprotocols=["ocpp2.0.1", "ocpp1.6"], compression=None, ping_interval=None
    ) as server:
        print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp", flush=True)
        await asyncio.Event().wait()


# --- the bridge -------------------------------------------------------------------------------------------------------


async def lag_of_loop(lags: list[float]) -> None:
    """How much later than asked for the loop comes back."""
    clock = asyncio.get_running_loop().time
    while True:
        begin = clock()
        await asyncio.sleep(0.01)
        lags.append(clock() - begin - 0.01)


async def registered(resources: Resources) -> None:
    """The chargers of benchmarks/fleet.py."""
    book = resources.get(ChargerBook)
    async with resources.unit_of_work() as db:
        for number in range(FLEET):
            await book.register(NewCharger(f"BENCH-{number}", PASSWORD), db)


async def kept(resources: Resources, count: int) -> None:
    """So many transactions of the fleet that are over, with two events and two samples each."""
    rows = f"SELECT n, 'bench-' || n % {FLEET} AS key FROM generate_series(1, {count}) n"
    at = "now() - interval '30 days' + n * interval '1 second'"
    statements = (
        "INSERT INTO ocpp_transaction (id, charger_key, charger_id, ocpp_id, stray_key, evse_id, connector_id,"
        " authorized, started_at, started_received_at, ended_at, told_at, start_seen, start_told, suspect, flags)"
        f" SELECT 'old-' || n, key, key, 'old-' || n, '', 1, 1, true, {at}, {at}, {at}, {at}, true, true, false, '[]'"
        f" FROM ({rows}) r",
        "INSERT INTO ocpp_transaction_event (transaction_id, digest, at, received_at)"
        f" SELECT 'old-' || n, stage, {at}, {at} FROM ({rows}) r, unnest(ARRAY['begin', 'end']) stage",
        "INSERT INTO ocpp_sample (transaction_id, fingerprint, charger_key, evse_id, at, received_at, measurand,"
        " value, unit, context, location)"
        f" SELECT 'old-' || n, gen_random_uuid(), key, 1, {at}, {at}, 'Energy.Active.Import.Register', 1, 'Wh',"
        f" 'Sample.Periodic', 'Outlet' FROM ({rows}) r, generate_series(1, 2)",
        "ANALYZE ocpp_transaction, ocpp_transaction_event, ocpp_sample",
    )
    async with resources.unit_of_work() as db:
        for statement in statements:
            await db.execute(text(statement))


async def counted(resources: Resources) -> int:
    """Transactions of the fleet that began and ended."""
    async with resources.unit_of_work() as db:
        ended = await db.scalar(text("SELECT count(*) FROM ocpp_transaction WHERE ended_at IS NOT NULL"))
    return int(ended or 0)


def _collected(pauses: list[float], began: list[float], phase: str, _info: dict[str, int]) -> None:
    """A callback of the garbage collector: for how long it held everything up."""
    if phase == "start":
        began[0] = perf_counter()
    else:
        pauses.append(perf_counter() - began[0])


async def bridge(urls: Urls) -> None:
    configure_logs(level="ERROR", form="json")
    settings = Settings(
        _env_file=None,
        database_url=urls.database_url,
        redis_url=urls.redis_url,
        secret_key="benchmarks-secret-key-0123456789",
        ocpp_port=0,
    )
    lags: list[float] = []
    pauses: list[float] = []
    gc.callbacks.append(partial(_collected, pauses, [0.0]))
    async with open_resources(settings, pool_size=20) as resources:
        bind(resources)
        await registered(resources)
        async with bridging(resources) as running_bridge:
            watching = asyncio.create_task(lag_of_loop(lags))
            print(running_bridge.url, flush=True)
            while line := await asyncio.to_thread(sys.stdin.readline):
                if line.strip():
                    await kept(resources, int(line))
                said = {
                    "cpu": sum(psutil.Process().cpu_times()[:2]),
                    "rss": psutil.Process().memory_info().rss,
                    "lag": sorted(lags)[int(len(lags) * 0.99)] if lags else 0.0,
                    "collected": max(pauses, default=0.0),
                    "transactions": await counted(resources),
                }
                lags.clear()
                pauses.clear()
                print(json.dumps(said), flush=True)
            watching.cancel()


def run_bridge() -> None:
    with tempfile.TemporaryDirectory(prefix="ocpi-hub-bench-") as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder) / "data") as urls:
            migrate(urls.database_url)
            with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
                runner.run(bridge(urls))


if __name__ == "__main__":
    if sys.argv[1] == "bridge":
        run_bridge()
    else:
        asyncio.run(run(sys.argv[1]))
