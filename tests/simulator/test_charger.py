"""The simulated charger: what must arrive is queued while it is offline, worded once and sent in order."""

import asyncio
import json
from decimal import Decimal

import pytest
from websockets.asyncio.server import serve

from bridge_ocpp.simulator import SimulatedCharger


class Centre:
    """A central system that accepts everything and notes what it hears; `deaf` closes each connection at once."""

    def __init__(self):
        self.heard = []
        self.deaf = False
        self.sockets = set()

    async def __call__(self, socket):
        if self.deaf:
            return
        self.sockets.add(socket)
        async for text in socket:
            _, message_id, action, payload = json.loads(text)
            self.heard.append((action, payload))
            answer = {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300}
            if action == "Authorize":
                answer = {"idTagInfo": {"status": "Accepted"}, "idTokenInfo": {"status": "Accepted"}}
            if action == "StartTransaction":
                answer = {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}
            await socket.send(json.dumps([3, message_id, answer]))

    def said(self, *actions):
        return [payload for action, payload in self.heard if action in actions]


@pytest.fixture(params=["ocpp1.6", "ocpp2.0.1"])
async def pair(request):
    centre = Centre()
    async with serve(centre, "127.0.0.1", 0, subprotocols=[request.param]) as server:
        port = server.sockets[0].getsockname()[1]
        box = SimulatedCharger(
            f"ws://127.0.0.1:{port}/ocpp", "BOX 1/2", password="secret-123", protocol=request.param,
            power_w=Decimal(350_000), sample_every=0.05,
        )  # fmt: skip
        task = asyncio.create_task(box.run())
        await asyncio.wait_for(box.online.wait(), 5)
        yield centre, box
        task.cancel()


async def until(true):
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def test_its_id_travels_encoded_and_it_says_its_password(pair):
    centre, _ = pair
    request = next(iter(centre.sockets)).request
    assert request.path == "/ocpp/BOX%201%2F2"
    assert request.headers["Authorization"].startswith("Basic ")


async def test_what_is_said_offline_arrives_later_in_order_and_once(pair):
    centre, box = pair
    assert await box.swipe(1, "CARD") == "Accepted"
    await until(lambda: len(centre.said("MeterValues", "TransactionEvent")) >= 3)
    centre.deaf = True
    for socket in list(centre.sockets):
        await socket.close()
    await until(lambda: not box.online.is_set())
    await box.charge_ends(1)
    centre.deaf = False
    await asyncio.wait_for(box.online.wait(), 15)

    def ended():
        events = centre.said("TransactionEvent")
        return centre.said("StopTransaction") or [event for event in events if event["eventType"] == "Ended"]

    await until(ended)
    if box.speech.protocol == "ocpp1.6":
        assert [p["transactionId"] for p in centre.said("StopTransaction")] == [7]
        assert len(centre.said("StartTransaction")) == 1
    else:
        numbers = [p["seqNo"] for p in centre.said("TransactionEvent")]
        assert sorted(set(numbers)) == list(range(max(numbers) + 1)), "no message is missing"
        assert numbers == sorted(numbers), "a repeat keeps its number and its place"


def test_an_unknown_protocol_is_refused():
    with pytest.raises(ValueError, match=r"ocpp1\.6"):
        SimulatedCharger("ws://127.0.0.1:1/ocpp", "B", password=None, protocol="ocpp1.5")
