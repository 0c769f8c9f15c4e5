"""What the tests of the admin REST share: chargers that are added and come, errors, and looking until it is so."""

import asyncio
from contextlib import asynccontextmanager

from bridge_ocpp.simulator import SimulatedCharger
from tests.world.chargers import running


def problem(response, status, code):
    """The error of an answer."""
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert (error["code"], bool(error["message"])) == (code, True)
    return error


@asynccontextmanager
async def charger(hub, bridge, charger_id, protocol="ocpp1.6"):
    """A simulated charger that is added, if it was not before, connected and has booted."""
    await hub.admin("POST", "/chargers", {"id": charger_id, "password": "secret-123"})
    box = SimulatedCharger(bridge.url, charger_id, password="secret-123", protocol=protocol)
    box.workshop.pace = 0.0
    async with running(box):
        yield box


async def look_until(hub, path, true, *, between=None):
    """Look at a path until it is so, doing something `between` two looks; what it shows then."""
    async with asyncio.timeout(20):
        while not true(shown := (await hub.admin("GET", path)).json()):
            if between is not None:
                await between()
            await asyncio.sleep(0.02)
    return shown
