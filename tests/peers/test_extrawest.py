"""The PyPI library extrawest_ocpi as a CPO and as an eMSP, each a process of its own, through the hub.

What the library does otherwise than the specification, and the hub copes with: single objects come as lists of one,
creating is 200 and not 201, answers have no ids and no routing headers, pushes do not say from whom they are. Its push
puts ids right behind our URLs (`endpoint_slash` in the profile). tests/peers/extrawest.py makes up for what a user of
the library must: it has no initiating side, lists no commands, and loses a field of CDRs.
"""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from ocpi_hub.delivery.pulling.jobs import look
from tests.world import objects
from tests.world.hub import Hub, running_hub
from tests.world.partner import Partner

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv/peers/bin/python"
CPO, EMSP = ("NL", "EXC"), ("DE", "EXE")
UID = "04A1B2C3D4E5F6"

pytestmark = pytest.mark.skipif(
    not (ROOT / ".venv/.ready-peers").exists(),
    reason="tests/peers/requirements.lock is not installed: `make test` does it where it can",
)


@dataclass
class Peer:
    """A platform on the library, asked and looked at by its back office."""

    url: str
    client: httpx.AsyncClient

    @property
    def versions_url(self) -> str:
        return f"{self.url}/ocpi/versions"

    async def lab(self, what: str, /, json: Any = None, **query: str) -> Any:
        answer = await self.client.post(f"{self.url}/lab/{what}", json=json, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def push(self, module: str, document: Any, **query: str) -> Any:
        """By the library's own push. Gives what the hub answered."""
        return await self.lab(f"push/{module}", document, **query)

    async def call(self, method: str, module: str, role: str, path: str, json: Any = None) -> Any:
        return await self.lab(f"call/{module}/{role}", json, method=method, path=path)

    async def seen(self) -> Any:
        return (await self.client.get(f"{self.url}/lab/seen")).json()

    async def keeps(self, module: str, object_id: str) -> Any:
        """Wait until it keeps this object; gives it."""
        return await self._waits(lambda seen: seen["kept"].get(module, {}).get(object_id))

    async def result(self, uid: str) -> Any:
        """Wait for a CommandResult."""
        return await self._waits(lambda seen: seen["results"].get(uid))

    async def _waits(self, found: Any) -> Any:
        async with asyncio.timeout(20):
            while not (there := found(await self.seen())):
                await asyncio.sleep(0.05)
            return there


@asynccontextmanager
async def running_peer(role: str, party: tuple[str, str]) -> AsyncIterator[Peer]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [PYTHON, Path(__file__).with_name("extrawest.py"), role, str(port), "/".join(party)]
    process = subprocess.Popen(command)
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            peer = Peer(f"http://127.0.0.1:{port}", client)
            async with asyncio.timeout(60):
                while not await _answers(peer):
                    assert process.poll() is None, "the library's platform did not start"
                    await asyncio.sleep(0.1)
            yield peer
    finally:
        process.terminate()
        process.wait(10)


async def _answers(peer: Peer) -> bool:
    try:
        await peer.seen()
    except httpx.TransportError:
        return False
    return True


@dataclass
class World:
    hub: Hub
    cpo: Peer
    emsp: Peer


@pytest.fixture
async def world(database_url: str, redis_url: str) -> AsyncIterator[World]:
    """Both registered: the CPO began by itself, the eMSP was connected by us."""
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(running_hub(database_url, redis_url, works=True))
        cpo = await stack.enter_async_context(running_peer("cpo", CPO))
        emsp = await stack.enter_async_context(running_peer("emsp", EMSP))
        invited = (await hub.admin("POST", "/partners", {"name": "Extra CPO"})).json()
        await hub.admin("PATCH", f"/partners/{invited['id']}", {"profile": {"endpoint_slash": True}})
        registered = await cpo.lab("register", url=invited["versions_url"], token=invited["credentials_token"])
        assert (registered["http"], registered["body"]["status_code"]) == (200, 1000)
        await emsp.lab("invite", token="token-a")
        offer = {"name": "Extra eMSP", "versions_url": emsp.versions_url, "credentials_token": "token-a"}
        connected = await hub.admin("POST", "/partners/connect", offer)
        assert (connected.status_code, connected.json()["status"]) == (201, "CONNECTED"), connected.text
        yield World(hub, cpo, emsp)


async def start_session(world: World, **charger: Any) -> Any:
    """The eMSP starts a session at the CPO's location. Gives the hub's answer."""
    await world.cpo.lab("charger", charger)
    command = {
        "response_url": f"{world.emsp.url}/ocpi/emsp/2.2.1/commands/started",
        "token": objects.token(UID, owner=EMSP),
        "location_id": "LOC1",
        "evse_uid": "EVSE1",
    }
    return await world.emsp.call("POST", "commands", "RECEIVER", "START_SESSION", command)


async def test_the_library_as_a_cpo_and_as_an_emsp(world: World) -> None:
    """A driver's charge between two platforms of the library, from the first location to the CDR."""
    parties = {(p["name"], p["status"]) for p in await world.hub.platforms()}
    assert parties == {("Extra CPO", "CONNECTED"), ("Extra eMSP", "CONNECTED")}

    # the location is broadcast, and the token
    pushed = await world.cpo.push("locations", objects.location(owner=CPO))
    assert (pushed["http"], pushed["body"]["status_code"]) == (201, 1000)
    place = await world.emsp.keeps("locations", "LOC1")
    assert (place["country_code"], place["evses"][0]["status"]) == ("NL", "AVAILABLE")
    token = objects.token(UID, owner=EMSP)
    told = await world.emsp.call("PUT", "tokens", "RECEIVER", f"DE/EXE/{UID}", token)
    assert (told["http"], told["body"]["status_code"]) == (201, 1000)
    assert (await world.cpo.keeps("tokens", UID))["issuer"] == "Example Mobility"

    # authorize, by the hub's open routing
    await world.emsp.lab("keep/tokens", token)
    info = await world.cpo.call("POST", "tokens", "SENDER", f"{UID}/authorize", {"location_id": "LOC1"})
    assert (info["http"], info["body"]["status_code"]) == (200, 1000)
    [allowed] = info["body"]["data"]  # one eMSP was asked, and its answer is passed on as it is
    assert (allowed["allowed"], allowed["token"]["uid"]) == ("ALLOWED", UID)

    # START_SESSION, answered at once, and its result afterwards through the hub
    answer = await start_session(world, result={"result": "ACCEPTED"})
    assert answer["body"]["data"][0]["result"] == "ACCEPTED"
    asked = (await world.cpo.seen())["kept"]["commands"]["START_SESSION"]
    assert asked["response_url"].startswith(f"{world.hub.url}/ocpi/2.2.1/via/")
    assert (await world.emsp.result("started"))["result"] == "ACCEPTED"

    # the session and the CDR go to the token's owner
    card = objects.cdr_token(UID, owner=EMSP)
    session = await world.cpo.push("sessions", objects.session(owner=CPO, cdr_token=card))
    assert (session["http"], session["body"]["status_code"]) == (201, 1000)
    assert (await world.emsp.keeps("sessions", "SESSION1"))["status"] == "ACTIVE"
    bill = await world.cpo.push("cdrs", objects.cdr(owner=CPO, cdr_token=card, tariffs=[objects.tariff(owner=CPO)]))
    assert (bill["http"], bill["body"]["status_code"]) == (201, 1000)
    assert bill["location"].startswith(world.hub.url)
    assert (await world.emsp.keeps("cdrs", "CDR1"))["total_cost"] == {"excl_vat": 3.0, "incl_vat": 3.63}


async def test_a_command_that_its_cpo_rejects(world: World) -> None:
    await world.cpo.push("locations", objects.location(owner=CPO))
    answer = await start_session(world, response="REJECTED")
    assert (answer["body"]["status_code"], answer["body"]["data"][0]["result"]) == (1000, "REJECTED")


async def test_what_a_newcomer_has_is_pulled(database_url: str, redis_url: str) -> None:
    """Its last page has an empty Link, and its endpoints are to be called with a slash at their end."""
    async with (
        running_hub(database_url, redis_url, works=True) as hub,
        Partner(("EMSP", "FR", "EM2")) as emsp,
        running_peer("cpo", CPO) as cpo,
    ):
        await emsp.register(hub.versions_url, await hub.invite("Ordinary"))
        for number in range(3):
            await cpo.lab("keep/locations", objects.location(f"OLD{number}", owner=CPO))
        await cpo.lab("register", url=hub.versions_url, token=await hub.invite("Extra CPO"))
        await look(hub.resources)  # the schedules of a worker: a newcomer is entered, and pulled when it has settled
        hub.clock.advance(60)
        await look(hub.resources)
        heard = await emsp.hears("locations", "PUT", count=3, within=30)
        assert {one.path for one in heard} == {f"NL/EXC/OLD{number}" for number in range(3)}


async def test_what_cannot_work_with_the_library_alone(world: World) -> None:
    """Its CDRs have no evse_uid, which is required: refused, with the field's name. And what it says of a token that it
    does not know is HTTP 404 without an envelope, which is no answer of OCPI: 4000, where 2004 would be right."""
    card = objects.cdr_token(UID, owner=EMSP)
    bill = await world.cpo.push("cdrs", objects.cdr(owner=CPO, cdr_token=card), plain="yes")
    assert (bill["http"], bill["body"]["status_code"]) == (200, 2001)
    assert "cdr_location.evse_uid" in bill["body"]["status_message"]
    info = await world.cpo.call("POST", "tokens", "SENDER", "NOBODYS/authorize", {"location_id": "LOC1"})
    assert (info["http"], info["body"]["status_code"]) == (200, 4000)


async def test_an_ordinary_partner_among_them(world: World) -> None:
    """What the library sends reaches others as the specification wants it: one object is no list."""
    async with Partner(("EMSP", "FR", "EM2"), name="Ordinary") as partner:
        await partner.register(world.hub.versions_url, await world.hub.invite(partner.name))
        await world.cpo.push("locations", objects.location(owner=CPO))
        [heard] = await partner.hears("locations", "PUT")
        assert (heard.path, heard.json["id"]) == ("NL/EXC/LOC1", "LOC1")
