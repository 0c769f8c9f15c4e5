"""Publishing: what is owed to whom, in one transaction with the object itself."""

import pytest
from sqlmodel import select

from ocpi_hub.delivery import publish
from ocpi_hub.objects.kinds import CDRS, LOCATIONS, SESSIONS, TARIFFS, TOKENS, Kind
from ocpi_hub.objects.tables import KeptCdr
from ocpi_hub.wire.errors import InvalidParameters
from tests.delivery.hub import CPO, Hub
from tests.world import faults, objects
from tests.world.partner import Partner


async def test_a_location_is_owed_to_the_opposite_roles(hub: Hub, cpo: Partner) -> None:
    source = await hub.connect(cpo)
    expected = []
    for role, party_id in (("EMSP", "E01"), ("NSP", "N01"), ("NAP", "A01"), ("OTHER", "O01")):
        partner = Partner((role, "DE", party_id))
        async with partner:
            expected.append((await hub.connect(partner), f"de/{party_id.lower()}:locations/nl/cpo/loc1"))
    for role in ("CPO", "SCSP", "HUB"):
        async with Partner((role, "DE", "X" + role[:2])) as partner:
            await hub.connect(partner)
    await hub.put_location(source=source)
    owed = await hub.owed()
    assert sorted((one.platform_id, one.lane) for one in owed) == sorted(expected)
    assert {(one.verb, one.path, one.from_party, one.version) for one in owed} == {("PUT", "NL/CPO/LOC1", None, 1)}
    drains = [("delivery.drain", (platform_id,)) for platform_id, _ in expected]
    assert sorted(hub.bells) == sorted([("clearing.again", ("locations", "nl/cpo", "loc1")), *drains])


async def test_a_tariff_goes_to_the_same_and_a_token_to_cpos(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    at_cpo, at_emsp = await hub.connect(cpo), await hub.connect(emsp)
    await hub.put(TARIFFS, objects.tariff(), source=at_cpo)
    await hub.put(TOKENS, objects.token("AbC/1"), source=at_emsp)
    tariff, token = sorted(await hub.owed(), key=lambda one: one.kind)
    assert (tariff.platform_id, tariff.lane) == (at_emsp, "de/msp:tariffs/nl/cpo/tariff1")
    assert (token.platform_id, token.lane) == (at_cpo, "nl/cpo:tokens/de/msp/abc/1/rfid")
    assert token.path == "DE/MSP/AbC%2F1?type=RFID"


@pytest.mark.parametrize("status", ["PLANNED", "SUSPENDED"])
async def test_who_is_not_registered_is_owed_nothing(hub: Hub, emsp: Partner, status: str) -> None:
    await hub.connect(emsp, status=status)
    await hub.put_location()
    assert await hub.owed() == []


async def test_an_offline_platform_is_owed_and_one_without_the_endpoint_is_not(
    hub: Hub, emsp: Partner, other: Partner
) -> None:
    offline = await hub.connect(emsp, status="OFFLINE")
    await hub.connect(other, modules={"tariffs", "cdrs"})
    await hub.put_location()
    assert [one.platform_id for one in await hub.owed()] == [offline]


async def test_one_debt_for_each_party_of_a_platform(hub: Hub) -> None:
    more = (("EMSP", "DE", "TWO"), ("NSP", "DE", "MSP"), ("CPO", "DE", "OWN"))
    async with Partner(("EMSP", "DE", "MSP"), more=more) as partner:
        platform_id = await hub.connect(partner)
        await hub.put_location()
        assert [one.lane for one in await hub.owed()] == [
            "de/msp:locations/nl/cpo/loc1",
            "de/two:locations/nl/cpo/loc1",
        ]
        assert hub.bells == [("clearing.again", ("locations", "nl/cpo", "loc1")), ("delivery.drain", (platform_id,))]


async def test_audits_are_made_again_where_something_came_that_they_may_rest_on(hub: Hub) -> None:
    """A Location that is new, a Session that is COMPLETED, any tariff; no status of an EVSE, and nothing twice."""

    async def rung(kind: Kind, document: objects.Json) -> list[str]:
        hub.bells.clear()
        await hub.put(kind, document)
        return [str(ids[0]) for name, ids in hub.bells if name == "clearing.again"]

    busy = objects.location(evses=[objects.evse(status="CHARGING")])
    assert [await rung(LOCATIONS, one) for one in (objects.location(), objects.location(), busy)] == [
        ["locations"],
        [],
        [],
    ]
    over = objects.session(status="COMPLETED")
    assert [await rung(SESSIONS, one) for one in (objects.session(), over, over)] == [[], ["sessions"], []]
    other = objects.tariff(currency="SEK")
    assert [await rung(TARIFFS, one) for one in (objects.tariff(), other, other)] == [["tariffs"], ["tariffs"], []]


async def test_sessions_and_cdrs_are_owed_to_the_owner_of_the_token_only(
    hub: Hub, emsp: Partner, other: Partner
) -> None:
    owner = await hub.connect(emsp)
    await hub.connect(other)
    await hub.put(SESSIONS, objects.session())
    await hub.put_cdr()
    cdr, session = await hub.owed()
    assert (cdr.platform_id, cdr.verb, cdr.path, cdr.from_party, cdr.to_party) == (
        owner,
        "POST",
        "",
        "NL/CPO",
        "DE/MSP",
    )
    assert (session.platform_id, session.verb, session.path) == (owner, "PUT", "NL/CPO/SESSION1")


async def test_the_token_owner_is_found_without_its_case(hub: Hub, emsp: Partner) -> None:
    owner = await hub.connect(emsp)
    await hub.put_cdr(cdr_token=objects.cdr_token(owner=("de", "Msp")))
    [owed] = await hub.owed()
    assert (owed.platform_id, owed.to_party) == (owner, "DE/MSP")


async def test_a_cdr_without_a_receiver_is_kept_and_owed_to_nobody(
    hub: Hub, other: Partner, caplog: pytest.LogCaptureFixture
) -> None:
    await hub.connect(other)
    written = await hub.put_cdr()
    assert written.created
    assert await hub.owed() == []
    assert hub.bells == [("clearing.audit", ("nl/cpo", "cdr1"))]


async def test_the_originating_platform_is_not_told_of_its_own_customer(hub: Hub) -> None:
    async with Partner(("CPO", "NL", "CPO"), more=(("EMSP", "DE", "MSP"),)) as both:
        platform_id = await hub.connect(both)
        await hub.put(SESSIONS, objects.session(), source=platform_id)
        assert await hub.owed() == []


async def test_unchanged_content_owes_nothing(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    await hub.put_location()
    await hub.drain(platform_id)
    hub.bells.clear()
    written = await hub.put_location(last_updated="2026-03-01T10:05:00Z")
    assert not written.changed
    assert await hub.owed() == []
    assert hub.bells == []


async def test_twenty_changes_are_one_debt(hub: Hub, emsp: Partner) -> None:
    await hub.connect(emsp)
    for n in range(20):
        await hub.put_location(name=f"Station {n}")
    [owed] = await hub.owed()
    assert owed.version == 20


async def test_a_change_of_an_evse_owes_its_location(hub: Hub, emsp: Partner) -> None:
    await hub.connect(emsp)
    await hub.put_location()
    for call, ids in ((publish.put_child, ("LOC1", "EVSE1")), (publish.patch, ("LOC1", "EVSE1"))):
        document = objects.evse(status="CHARGING", last_updated="2026-03-01T10:09:00Z")
        changes = {"document": document} if call is publish.put_child else {"changes": document | {"status": "BLOCKED"}}
        async with hub.resources.unit_of_work() as db:
            await call(db, LOCATIONS, owner=CPO, ids=ids, source=None, at=hub.clock(), correlation_id="c", **changes)  # type: ignore[operator]
    [owed] = await hub.owed()
    assert (owed.lane, owed.path, owed.verb, owed.version) == ("de/msp:locations/nl/cpo/loc1", "NL/CPO/LOC1", "PUT", 3)


async def test_a_refused_document_changes_nothing(hub: Hub, emsp: Partner) -> None:
    await hub.connect(emsp)
    with pytest.raises(InvalidParameters):
        await hub.put_location(coordinates={"latitude": "north"})
    assert await hub.owed() == []


async def test_what_is_rolled_back_is_neither_kept_nor_owed_nor_rung(hub: Hub, emsp: Partner) -> None:
    await hub.connect(emsp)
    document, at = objects.cdr(), hub.clock()

    async def crash() -> None:
        async with hub.resources.unit_of_work() as db:
            await publish.put(db, CDRS, owner=CPO, document=document, source=None, at=at, correlation_id="c")
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        await crash()
    async with hub.resources.sessions() as db:
        assert (await db.scalars(select(KeptCdr))).all() == []
    assert await hub.owed() == []
    assert hub.bells == []


async def test_a_fresh_change_waits_with_a_lane_that_waits(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.status(500))
    await hub.put_location()
    await hub.drain(platform_id)
    [failed] = await hub.owed()
    assert failed.due_at > hub.clock()
    await hub.put_location(name="Renamed")
    [changed] = await hub.owed()
    assert (changed.version, changed.attempts, changed.due_at) == (2, 1, failed.due_at)
