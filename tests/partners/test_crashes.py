"""A crash at every step of every handshake (X7): afterwards the old pair of tokens works, or the new one does.

The steps are the calls to the partner and the transactions; each is cut off before it, and after it. What crashes
is a BaseException, so nothing is cleaned up on the way out, as after `kill -9`.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.partners import handshake
from ocpi_hub.partners.client import PartnerClient
from tests.partners.test_handshake import connect, works_both_ways
from tests.world.hub import Hub
from tests.world.partner import Partner

MOST_STEPS = 16


class Crash(BaseException):
    """The process is gone."""


@contextmanager
def crashing(hub: Hub, monkeypatch: pytest.MonkeyPatch, *, at: int) -> Iterator[list[int]]:
    """Crash at one step; gives the number of steps that were begun."""
    begun = [0]
    unit_of_work, call = hub.resources.unit_of_work, PartnerClient.call

    def step() -> None:
        begun[0] += 1
        if begun[0] == at:
            raise Crash

    @asynccontextmanager
    async def one_transaction() -> AsyncIterator[AsyncSession]:
        step()
        async with unit_of_work() as db:
            yield db
            step()  # all is written and nothing committed
        step()

    async def one_call(self: PartnerClient, *args: Any, **kw: Any) -> Any:
        step()
        result = await call(self, *args, **kw)
        step()
        return result

    with monkeypatch.context() as patched:
        patched.setattr(hub.resources, "unit_of_work", one_transaction)
        patched.setattr(PartnerClient, "call", one_call)
        yield begun


async def crash(hub: Hub, monkeypatch: pytest.MonkeyPatch, at: int, doing: Any) -> bool:
    """Whether it crashed: False when there are fewer steps than that."""
    with crashing(hub, monkeypatch, at=at):
        try:
            await doing()
        except Crash:
            return True
    return False


@pytest.mark.parametrize("at", range(1, MOST_STEPS))
async def test_while_we_rotate(hub: Hub, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    async with Partner(("EMSP", "DE", "XYZ"), calls_back=False) as partner:
        platform_id = await connect(hub, partner)
        await partner.learn(hub.versions_url, partner.hub_token or "")

        crashed = await crash(hub, monkeypatch, at, lambda: handshake.rotate(hub.resources, platform_id))

        assert crashed == (at <= 12)  # 3 calls, 2 transactions
        await works_both_ways(hub, partner, platform_id)
        await handshake.rotate(hub.resources, platform_id)
        await works_both_ways(hub, partner, platform_id)
        [platform] = await hub.platforms()
        assert len([t for t in platform["credentials"] if t["expires_at"] is None]) == 1


@pytest.mark.parametrize("at", range(1, MOST_STEPS))
async def test_while_a_partner_rotates(hub: Hub, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    async with Partner(("CPO", "NL", "ABC")) as partner:
        await partner.register(hub.versions_url, await hub.invite())
        platform_id = (await hub.platform()).id
        await partner.get("locations")

        with crashing(hub, monkeypatch, at=at):
            answer = await partner.renew()

        assert (answer.status_code == 500) == (at <= 7)  # 2 calls, 1 transaction
        await works_both_ways(hub, partner, platform_id)
        assert (await partner.renew()).status_code == 200
        await works_both_ways(hub, partner, platform_id)
        [platform] = await hub.platforms()
        assert len(platform["credentials"]) == 1


@pytest.mark.parametrize("at", range(1, MOST_STEPS))
async def test_while_a_partner_registers(hub: Hub, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Either the invitation is still good, or the partner is registered; never neither, never both."""
    async with Partner(("CPO", "NL", "ABC")) as partner:
        invitation = await hub.invitation()
        token_a = invitation.credentials_token
        await partner.learn(hub.versions_url, token_a)

        body = partner.credentials(partner.issue())
        with crashing(hub, monkeypatch, at=at):
            await partner.request("POST", partner.credentials_url, token=token_a, json=body)

        still_good = (await partner.request("GET", hub.versions_url, token=token_a)).status_code == 200
        [platform] = await hub.platforms()
        assert platform["registered"] == (at >= 7)  # 2 calls, 1 transaction
        assert still_good != platform["registered"]
        assert platform["status"] == ("PLANNED" if still_good else "CONNECTED")
        if still_good:
            assert (await partner.register(hub.versions_url, token_a)).json()["status_code"] == 1000


@pytest.mark.parametrize("at", range(1, MOST_STEPS + 3))
async def test_while_we_connect(hub: Hub, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Nothing works half: either the partner is connected, or a second try connects it."""
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        await crash(hub, monkeypatch, at, lambda: connect(hub, partner))

        platforms = await hub.platforms()
        connected = [platform for platform in platforms if platform["registered"]]
        if not connected:
            assert not [t for p in platforms for t in p["credentials"] if t["purpose"] == "live"]
            connected = [{"id": await connect(hub, partner)}]
        await works_both_ways(hub, partner, connected[0]["id"])
        assert len(await hub.platforms()) == 1
