"""What the bridge is measured beside: `python -m benchmarks.central echo|ocpp` prints its URL and serves."""

import asyncio
import json
import sys
from datetime import UTC, datetime

from ocpp.routing import on
from ocpp.v16 import ChargePoint as Point16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as Point201
from ocpp.v201 import call_result as result201
from websockets.asyncio.server import serve

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


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
