"""Telling a partner again what was written since a time: exactly that, and only what it may see (X11)."""

import pytest

from ocpi_hub.delivery import retelling
from ocpi_hub.objects.kinds import SESSIONS, TARIFFS, TOKENS
from tests.delivery.hub import kept
from tests.world import objects
from tests.world.partner import Partner

OTH = ("FR", "OTH")


@pytest.fixture
async def bec():
    async with Partner(("CPO", "BE", "BEC"), name="BEC") as partner:
        yield partner


@pytest.fixture
async def told(hub, emsp, other, cpo, bec):
    """Everybody is connected and has been told everything; the last hour is the time that is asked for."""
    ids = {p.name: await hub.connect(p) for p in (emsp, other, cpo, bec)}
    await hub.put_location("BEFORE")
    await hub.put(SESSIONS, objects.session("OLD", status="COMPLETED"))
    hub.clock.advance(3600)
    since = hub.clock()
    await hub.put_location("AFTER")
    await hub.put(TARIFFS, objects.tariff(owner=("BE", "BEC")), source=ids["BEC"])
    await hub.put(TARIFFS, objects.tariff(owner=("XX", "WHO")), source="gone")
    await hub.put(SESSIONS, objects.session("ENDED", status="COMPLETED"))
    await hub.put(SESSIONS, objects.session("FOREIGN", cdr_token=objects.cdr_token(owner=OTH)))
    await hub.put_cdr("MINE")
    await hub.put_cdr("THEIRS", cdr_token=objects.cdr_token(owner=OTH))
    await hub.put(TOKENS, objects.token("OWN"), source=ids["An eMSP"])
    for id_ in ids.values():
        await hub.drain(id_)
    hub.clock.advance(60)
    for partner in (emsp, other, cpo):
        partner.heard.clear()
        partner.kept.clear()
    assert await hub.owed() == []
    return ids, since


async def test_exactly_what_was_written_since_then_and_may_be_seen(hub, emsp, other, told):
    ids, since = told
    owed = await retelling.replay(hub.resources, ids["An eMSP"], since=since)
    assert owed == {"locations": 1, "tariffs": 1, "sessions": 1, "cdrs": 1}
    assert {(one.kind, one.key) for one in await hub.owed()} == {
        ("locations", "after"), ("tariffs", "tariff1"), ("sessions", "ended"), ("cdrs", "mine"),
    }  # fmt: skip
    assert ("delivery.drain", (ids["An eMSP"],)) in hub.bells
    await hub.drain(ids["An eMSP"])
    assert kept(emsp, "locations") == {"NL/CPO/AFTER": objects.location("AFTER")}
    assert set(kept(emsp, "tariffs")) == {"BE/BEC/TARIFF1"}, "not that of a party that is not here"
    assert set(kept(emsp, "sessions")) == {"NL/CPO/ENDED"}
    assert set(kept(emsp, "cdrs")) == {"MINE"}
    assert other.heard == []


async def test_a_cpo_is_told_tokens_and_nothing_of_its_own(hub, cpo, told):
    ids, since = told
    await hub.put_location("ITS-OWN", source=ids["A CPO"])
    assert await retelling.replay(hub.resources, ids["A CPO"], since=since) == {"tokens": 1}
    await hub.drain(ids["A CPO"])
    assert [h.path for h in cpo.heard] == ["DE/MSP/OWN"]


async def test_asking_twice_owes_once(hub, emsp, told):
    ids, since = told
    first = await retelling.replay(hub.resources, ids["An eMSP"], since=since)
    assert await retelling.replay(hub.resources, ids["An eMSP"], since=since) == first
    assert len(await hub.owed()) == sum(first.values())
    await hub.drain(ids["An eMSP"])
    assert len(emsp.heard) == sum(first.values())


async def test_from_now_on_there_is_nothing(hub, told):
    ids, _ = told
    assert await retelling.replay(hub.resources, ids["An eMSP"], since=hub.clock()) == {}
    assert await hub.owed() == []


async def test_nobody_is_told_who_is_not_registered(hub):
    with pytest.raises(LookupError, match="not registered"):
        await retelling.replay(hub.resources, "nobody", since=hub.clock())
