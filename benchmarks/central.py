"""What is measured, and what it is measured beside: `python -m benchmarks.central echo|ocpp|bridge`.

It prints its URL and serves. The bridge answers each line on its input with what it uses, and ends with its input.
"""

import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import psutil
from ocpp.routing import on
from ocpp.v16 import ChargePoint as Point16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as Point201
from ocpp.v201 import call_result as result201
from uvicorn.loops.auto import auto_loop_factory
from websockets.asyncio.server import serve

from bridge_ocpp.port import ChargerBook, NewCharger
from ocpi_hub.base.log import configure_logs
from ocpi_hub.base.resources import Resources, open_resources
from ocpi_hub.base.settings import Settings
from ocpi_hub.bridge import bridge_of
from ocpi_hub.chargers.binding import bind
from ocpi_hub.embedded.migrate import migrate
from ocpi_hub.embedded.servers import Urls, running

PASSWORD = "a-good-password"
FLEET = 2000
NOW = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
ANSWER = {"status": "Accepted", "currentTime": NOW, "interval": 300, "transactionId": 1}


async def echo(socket) -> None:
    """Parses JSON, answers, stores nothing."""
    async for text in socket:
        await socket.send(json.dumps([3, json.loads(text)[1], ANSWER]))


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
    async with open_resources(settings, pool_size=20) as resources:
        bind(resources)
        await registered(resources)
        async with bridge_of(resources).run() as running:
            watching = asyncio.create_task(lag_of_loop(lags))
            print(running.url, flush=True)
            while await asyncio.to_thread(sys.stdin.readline):
                late = sorted(lags)
                lags.clear()
                said = {
                    "rss": psutil.Process().memory_info().rss,
                    "lag": late[int(len(late) * 0.99)] if late else 0.0,
                }
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
