"""What answers say of a partner: that it is alive, and that it refuses our credentials token (R10, R21)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from ocpi_hub.base.secrets import Vault
from ocpi_hub.partners.client import PartnerClient
from ocpi_hub.partners.signs import Signs
from tests.modules.owned.talking import registered
from tests.routing.roaming import exactly, said
from tests.world import faults
from tests.world.hub import Hub, running_hub
from tests.world.objects import location
from tests.world.partner import Partner

ABC = ("NL", "ABC")


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    async with running_hub(database_url, redis_url) as running:
        yield running


@pytest.fixture
async def cpo(hub: Hub) -> AsyncIterator[Partner]:
    async with registered(hub, ("CPO", *ABC)) as partner:
        yield partner


@pytest.fixture
async def emsp(hub: Hub) -> AsyncIterator[Partner]:
    async with registered(hub, ("EMSP", "DE", "MSP")) as partner:
        yield partner


async def shown(hub: Hub, name: str = "EMSP/DE/MSP") -> Any:
    found = (await hub.admin("GET", "/partners")).json()
    return next(partner for partner in found if partner["name"] == name)


async def shown_as(hub: Hub, needs_handshake: bool) -> Any:
    """Wait until the operator sees it: it is written beside the call, not within it."""
    async with asyncio.timeout(10):
        while (found := await shown(hub))["needs_handshake"] is not needs_handshake:
            await asyncio.sleep(0.01)
    return found


async def metric(hub: Hub, platform_id: str) -> float:
    answer = await hub.admin("GET", "/../../metrics")
    line = f'ocpi_platform_needs_handshake{{name="EMSP/DE/MSP",platform="{platform_id}"}} '
    return float(next(text.removeprefix(line) for text in answer.text.splitlines() if text.startswith(line)))


async def passed(cpo: Partner) -> int:
    """A message to the eMSP, through the hub; gives the OCPI status."""
    return said(await cpo.put("locations", "NL/ABC/L1", location("L1", owner=ABC), to="DE/MSP"))[1]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_shown_until_a_call_succeeds(
    hub: Hub, cpo: Partner, emsp: Partner, status: int
) -> None:
    assert await passed(cpo) == 1000
    before = await shown_as(hub, False)
    assert (before["credentials_refused_at"], await metric(hub, before["id"])) == (None, 0)
    emsp.misbehave(faults.status(status))
    with capture_logs() as lines:
        assert await passed(cpo) == 4000
        found = await shown_as(hub, True)
        await passed(cpo)
    assert found["credentials_refused_at"] is not None
    assert found["status"] == "CONNECTED", "who refuses us is not silent"
    assert await metric(hub, found["id"]) == 1
    [line] = [line for line in lines if line["event"] == "partner.needs_handshake"]
    assert (line["http_status"], line["platform"]) == (status, found["id"])
    emsp.behave()
    assert await passed(cpo) == 1000
    await shown_as(hub, False)
    assert await metric(hub, found["id"]) == 0


async def test_a_new_handshake_clears_it(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    emsp.misbehave(faults.status(401), module="locations")
    await passed(cpo)
    await shown_as(hub, True)
    assert (await emsp.renew()).json()["status_code"] == 1000
    assert (await shown(hub))["needs_handshake"] is False


async def test_a_message_from_it_clears_nothing(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    """That it still speaks to us says nothing of the token that we present."""
    emsp.misbehave(faults.status(401))
    await passed(cpo)
    await shown_as(hub, True)
    hub.clock.advance(60)
    await emsp.get("locations")
    assert (await shown(hub))["needs_handshake"] is True


async def test_an_answer_is_a_sign_of_life(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await passed(cpo)
    hub.clock.advance(60)
    at = hub.clock().isoformat()
    assert (await shown(hub))["last_seen_at"] < at
    assert await passed(cpo) == 1000
    async with asyncio.timeout(10):
        while (await shown(hub))["last_seen_at"] < at:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("fault", "alive"),
    [
        (exactly(b'{"status_code": 2001, "timestamp": "2026-03-01T10:00:00Z"}'), True),
        (exactly(b'{"status_code": 2003, "timestamp": "2026-03-01T10:00:00Z"}', status=404), True),
        (faults.status(502), False),
        (faults.status(429), False),
        (exactly(b"<html>a proxy says hello</html>"), False),
    ],
)
async def test_only_the_partners_own_answers_count(hub: Hub, emsp: Partner, fault: faults.Fault, alive: bool) -> None:
    platform = await hub.platform("EMSP/DE/MSP")
    before = (await shown(hub))["last_seen_at"]
    hub.clock.advance(60)
    emsp.misbehave(fault)
    token = Vault.of(hub.settings).unseal(str(platform.their_credentials_token))
    url = f"{emsp.url}/ocpi/sender/tokens"
    await hub.resources.one(PartnerClient).call("GET", url, credentials_token=token, platform_id=platform.id)
    await hub.resources.one(Signs).aclose()
    assert ((await shown(hub))["last_seen_at"] != before) is alive
