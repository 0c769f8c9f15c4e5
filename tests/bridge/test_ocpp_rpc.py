"""Charging stations that are not ours, in another language: the npm package `ocpp-rpc` in strict mode."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge_ocpp import port
from bridge_ocpp.port import StopCharging
from tests.bridge.conftest import PASSWORD, Place
from tests.world.waiting import until

PEER = Path(__file__).parent.parent / "peers" / "ocpp_rpc"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="Node is not installed"),
    pytest.mark.skipif(
        not (PEER / "node_modules" / "ocpp-rpc").exists(),
        reason="ocpp-rpc is not installed: `make test` does it where npm is, or `npm ci` in tests/peers/ocpp_rpc",
    ),
]


class Station:
    """The other program, and what it says of itself."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def said(self, wanted: str) -> dict[str, Any]:
        """The next line of this kind; one that tells of a failure ends the test."""
        assert self._process.stdout is not None
        while line := await asyncio.wait_for(self._process.stdout.readline(), 30):
            told: dict[str, Any] = json.loads(line)
            assert told["what"] not in ("failed", "invalid"), told
            if told["what"] == wanted:
                return told
        assert self._process.stderr is not None
        raise AssertionError(f"the station ended: {(await self._process.stderr.read()).decode()}")

    async def ends(self) -> int:
        return await asyncio.wait_for(self._process.wait(), 30)


@asynccontextmanager
async def station(place: Place, protocol: str) -> AsyncIterator[Station]:
    assert NODE is not None
    await place.register("RPC-1")
    pipe = asyncio.subprocess.PIPE
    words = (NODE, "station.mjs", place.bridge.url, "RPC-1", PASSWORD, protocol)
    process = await asyncio.create_subprocess_exec(*words, cwd=PEER, stdout=pipe, stderr=pipe)
    try:
        yield Station(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_station_in_strict_mode_boots_authorises_charges_and_is_stopped(place: Place, protocol: str) -> None:
    async with station(place, protocol) as rpc:
        assert (await rpc.said("connected"))["protocol"] == protocol
        assert (await rpc.said("boot"))["status"] == "Accepted"
        authorized = await rpc.said("authorized")
        assert (authorized.get("idTagInfo") or authorized["idTokenInfo"])["status"] == "Accepted"
        await rpc.said("started")
        (transaction,) = await until(lambda: place.transactions(active=True))
        assert (await place.ask("RPC-1", StopCharging(transaction.id))).accepted
        await rpc.said("done")
        assert await rpc.ends() == 0
    (ended,) = place.told(port.TransactionEnded)
    assert (ended.transaction.energy_wh, ended.transaction.stop_reason) == (1000, "Remote")
    assert (await place.record("RPC-1")).quirks == ()
