"""HubClientInfo and agreements: who is on whose list, as what, and what is told when that changes (row H4)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from ocpi_hub.delivery import jobs
from tests.modules.test_hubclientinfo import OWN, join, listed, offline, owed, sees, short, told
from tests.world.hub import Hub, running_hub
from tests.world.partner import Partner

ABC, XYZ = ("NL/ABC", "CPO", "CONNECTED"), ("DE/XYZ", "EMSP", "CONNECTED")


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    """A closed hub whose bells start their jobs."""
    async with running_hub(database_url, redis_url, works=True, agreements="closed") as running:
        await jobs.keep_list(running.resources)
        await jobs.turn_agreements(running.resources)
        yield running


@pytest.fixture
async def cpo(hub: Hub) -> AsyncIterator[Partner]:
    async with Partner(("CPO", "NL", "ABC"), name="A CPO", informed=True) as partner:
        await join(hub, partner)
        yield partner


@pytest.fixture
async def emsp(hub: Hub) -> AsyncIterator[Partner]:
    async with Partner(("EMSP", "DE", "XYZ"), name="An eMSP", informed=True) as partner:
        await join(hub, partner)
        yield partner


async def agree(hub: Hub, name: str = "one", parties: tuple[str, str] = ("NL/ABC", "DE/XYZ"), **body: Any) -> None:
    body = {key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in body.items()}
    answer = await hub.admin("PUT", f"/agreements/{name}", {"parties": parties, **body})
    assert answer.status_code in (200, 201), answer.text


async def test_in_a_closed_hub_nobody_knows_anybody(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    assert await sees(cpo) == set()
    assert await sees(emsp) == set()
    assert await owed(hub) == 0
    assert emsp.told("hubclientinfo") == []


async def test_both_hear_of_each_other_when_an_agreement_begins(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    """One module is enough, and our own CPO party takes part like any other."""
    await agree(hub, modules=["tariffs"])
    await told(emsp, ABC)
    await told(cpo, XYZ)
    assert await sees(emsp) == {ABC}
    assert await sees(cpo) == {XYZ}

    await agree(hub, "own", ("NL/CPO", "DE/XYZ"))
    await told(emsp, OWN)
    assert await sees(emsp) == {ABC, OWN}
    assert await sees(cpo) == {XYZ}


async def test_one_that_ends_is_told_as_suspended_and_is_on_no_list(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await agree(hub)
    await told(emsp, ABC)
    assert (await hub.admin("DELETE", "/agreements/one")).status_code == 204
    await told(emsp, ("NL/ABC", "CPO", "SUSPENDED"))
    await told(cpo, ("DE/XYZ", "EMSP", "SUSPENDED"))
    assert await sees(emsp) == await sees(cpo) == set()


async def test_who_was_offline_meanwhile_hears_of_it_on_its_return(hub: Hub, cpo: Partner) -> None:
    async with Partner(("EMSP", "DE", "XYZ"), name="An eMSP", informed=True) as emsp:
        platform_id = await join(hub, emsp)
        await agree(hub)
        await told(emsp, ABC)
        await offline(hub, platform_id)
        assert (await hub.admin("DELETE", "/agreements/one")).status_code == 204
        await told(cpo, ("DE/XYZ", "EMSP", "SUSPENDED"))
        assert await sees(emsp) == set()  # asking is a sign of life
        await told(emsp, ("NL/ABC", "CPO", "SUSPENDED"))


async def test_one_that_will_begin_is_planned_until_then(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    """mod_hub_client_info, "Another Party becomes PLANNED": which parties have contracts with each other."""
    begins = hub.clock() + timedelta(hours=1)
    await agree(hub, valid_from=begins)
    planned = ("NL/ABC", "CPO", "PLANNED")
    await told(emsp, planned)
    assert await sees(emsp) == {planned}
    assert (await emsp.get("locations", to="NL/ABC")).json()["status_code"] == 4001

    hub.clock.advance(3600)
    await jobs.turn_agreements(hub.resources)
    await told(emsp, ABC)
    assert await sees(emsp) == {ABC}
    assert (await emsp.get("locations", to="NL/ABC")).json()["status_code"] == 1000


async def test_what_agreements_changed_is_new_for_who_asks_by_date(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    since = hub.clock() + timedelta(minutes=30)
    await agree(hub, valid_from=hub.clock() + timedelta(hours=1))
    query = f"?date_from={since:%Y-%m-%dT%H:%M:%SZ}"
    assert await listed(emsp, query) == []
    hub.clock.advance(3600)
    assert [short(info) for info in await listed(emsp, query)] == [ABC]


async def test_a_party_without_an_agreement_hears_of_no_status(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    async with Partner(("EMSP", "FR", "EM2"), name="Another eMSP", informed=True) as stranger:
        await join(hub, stranger)
        await agree(hub)
        await told(cpo, XYZ)
        [platform] = [one for one in await hub.platforms() if one["name"] == "A CPO"]
        assert (await hub.admin("PATCH", f"/partners/{platform['id']}", {"suspended": True})).status_code == 200
        await told(emsp, ("NL/ABC", "CPO", "SUSPENDED"))
        assert stranger.told("hubclientinfo") == []


async def test_opening_a_hub_lets_everybody_know(database_url: str, redis_url: str) -> None:
    """Another mode is a change like any other, found by the first sweep after the start."""
    async with Partner(("EMSP", "DE", "XYZ"), name="An eMSP", informed=True) as emsp:
        async with running_hub(database_url, redis_url, works=True, agreements="closed") as hub:
            await jobs.keep_list(hub.resources)
            await jobs.turn_agreements(hub.resources)
            await join(hub, emsp)
            assert await sees(emsp) == set()
        async with running_hub(database_url, redis_url, works=True) as hub:
            await jobs.turn_agreements(hub.resources)
            await told(emsp, OWN)
