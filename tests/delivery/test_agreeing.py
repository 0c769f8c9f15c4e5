"""What follows when agreements change: debts are dropped and owed. Real database, real partners, a clock to move.

`hub.bells` are answered by hand: `follow` is what a worker does after the change, or each second.
"""

from datetime import timedelta
from typing import Any

import pytest

from ocpi_hub.delivery import jobs, outbox
from ocpi_hub.objects.kinds import CDRS, LOCATIONS, SESSIONS, TARIFFS, TOKENS
from ocpi_hub.partners import agreements
from ocpi_hub.partners.agreements import Given
from ocpi_hub.partners.directory import Directory
from ocpi_hub.wire.headers import PartyId
from tests.delivery.hub import Hub, kept
from tests.world import objects
from tests.world.partner import Partner

PAIR = ("NL/CPO", "DE/MSP")


async def put(hub: Hub, name: str = "one", parties: tuple[str, str] = PAIR, **given: Any) -> None:
    async with hub.resources.unit_of_work() as db:
        await agreements.put(db, hub.resources, name, Given(parties=parties, **given))
        hub.resources.one(Directory).changed(db)


async def remove(hub: Hub, name: str = "one") -> None:
    async with hub.resources.unit_of_work() as db:
        assert await agreements.remove(db, name)
        hub.resources.one(Directory).changed(db)


async def follow(hub: Hub) -> None:
    await jobs.turn_agreements(hub.resources)


async def lanes(hub: Hub, platform_id: str) -> list[str]:
    return [row.lane for row in await hub.owed(platform_id) if row.dead_at is None]


async def test_a_broadcast_goes_only_to_those_who_may_talk_with_its_owner(
    hub: Hub, emsp: Partner, other: Partner
) -> None:
    one, two = await hub.connect(emsp), await hub.connect(other)
    await put(hub, modules=["locations"], allowed=False)
    await follow(hub)

    await hub.put_location()
    await hub.put(TARIFFS, objects.tariff())

    assert await lanes(hub, one) == ["de/msp:tariffs/nl/cpo/tariff1"]
    assert await lanes(hub, two) == ["fr/oth:locations/nl/cpo/loc1", "fr/oth:tariffs/nl/cpo/tariff1"]


async def test_a_picture_that_is_old_misses_no_agreement(hub: Hub, emsp: Partner) -> None:
    """Another process changed it, and nothing was announced here: the writer reads the version in its transaction."""
    platform_id = await hub.connect(emsp)
    await hub.resources.one(Directory).now()
    async with hub.resources.unit_of_work() as db:
        await agreements.put(db, hub.resources, "one", Given(parties=PAIR, allowed=False))
    await hub.put_location()
    assert await lanes(hub, platform_id) == []


async def test_a_session_and_a_cdr_go_to_the_owner_of_their_token_only_with_an_agreement(
    hub: Hub, emsp: Partner
) -> None:
    platform_id = await hub.connect(emsp)
    await put(hub, modules=["sessions"])
    await follow(hub)
    await hub.put(SESSIONS, objects.session())
    await hub.put_cdr()
    assert await lanes(hub, platform_id) == ["de/msp:sessions/nl/cpo/session1"]


async def test_an_agreement_that_ends_drops_the_debts_of_that_pair_only(
    hub: Hub, emsp: Partner, other: Partner
) -> None:
    one, two = await hub.connect(emsp), await hub.connect(other)
    await hub.put_location()
    await hub.put_location("LOC2", owner=("BE", "BEC"), country_code="BE", party_id="BEC")

    await put(hub, modules=["locations"], allowed=False)
    await follow(hub)

    assert await lanes(hub, one) == ["de/msp:locations/be/bec/loc2"]
    assert await lanes(hub, two) == ["fr/oth:locations/be/bec/loc2", "fr/oth:locations/nl/cpo/loc1"]


async def test_a_cdr_that_may_not_be_told_any_more_is_parked_and_told_when_it_may_again(
    hub: Hub, emsp: Partner
) -> None:
    platform_id = await hub.connect(emsp)
    await hub.put_cdr("EARLY")
    await hub.drain(platform_id)
    await hub.put_cdr("LATE")
    await put(hub, allowed=False)
    await follow(hub)
    [debt] = await hub.owed(platform_id)
    assert debt.dead_at is not None
    assert "agreement" in str(debt.last_error)
    await hub.put_cdr("LATER")

    await remove(hub)
    await follow(hub)
    await hub.drain(platform_id)

    assert [heard.json["id"] for heard in emsp.told("cdrs", "POST")] == ["EARLY", "LATE", "LATER"]
    assert await hub.owed(platform_id) == []


async def test_a_result_that_somebody_waits_for_is_dropped_too(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    async with hub.resources.unit_of_work() as db:
        await outbox.owe_message(
            db,
            platform_id=platform_id,
            lane="commands/1",
            verb="POST",
            url=emsp.result_url(),
            body='{"result": "ACCEPTED"}',
            correlation_id="c",
            from_party=PartyId("NL", "CPO"),
            to_party=PartyId("DE", "MSP"),
            at=hub.clock(),
        )
    await put(hub, modules=["locations"], allowed=False)
    await follow(hub)
    assert await lanes(hub, platform_id) == ["de/msp:commands/1"]
    await put(hub, modules=["commands"], allowed=False)
    await follow(hub)
    assert await lanes(hub, platform_id) == []


async def test_one_that_begins_owes_what_may_be_seen_from_now_on(hub: Hub, emsp: Partner, cpo: Partner) -> None:
    await put(hub, allowed=False)
    told, telling = await hub.connect(emsp), await hub.connect(cpo)
    await follow(hub)
    await hub.put_location("Loc 1")
    await hub.put(TARIFFS, objects.tariff())
    await hub.put(TOKENS, objects.token(type="APP_USER"))
    await hub.put(SESSIONS, objects.session("RUNS"))
    await hub.put(SESSIONS, objects.session("ENDED", status="COMPLETED"))
    await hub.put_cdr()
    assert await hub.owed() == []

    await remove(hub)
    await follow(hub)
    await hub.drain(told)
    await hub.drain(telling)

    assert set(kept(emsp, "locations")) == {"NL/CPO/Loc 1"}
    assert set(kept(emsp, "tariffs")) == {"NL/CPO/TARIFF1"}
    assert set(kept(emsp, "sessions")) == {"NL/CPO/RUNS"}
    assert set(kept(emsp, "cdrs")) == {"CDR1"}
    assert set(kept(cpo, "tokens")) == {"DE/MSP/04A1B2C3D4E5F6"}
    [push] = cpo.told("tokens", "PUT")
    assert push.query == {"type": "APP_USER"}
    assert push.headers["OCPI-from-party-id"] == "HUB"
    assert emsp.told("cdrs", "POST")[0].headers["OCPI-from-party-id"] == "CPO"


async def test_what_its_own_platform_brought_is_not_owed_back(hub: Hub, emsp: Partner, cpo: Partner) -> None:
    await put(hub, allowed=False)
    platform_id = await hub.connect(emsp)
    await follow(hub)
    await hub.put_location(source=platform_id)
    await remove(hub)
    await follow(hub)
    assert await hub.owed() == []


async def test_agreements_begin_and_end_by_their_dates(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    await put(hub, "forbid", allowed=False)
    begins, ends = hub.clock() + timedelta(hours=1), hub.clock() + timedelta(hours=2)
    await remove(hub, "forbid")
    await put(hub, "forbid", allowed=False, valid_from=begins, valid_until=ends)
    await follow(hub)
    await hub.put_location()
    assert await lanes(hub, platform_id) == ["de/msp:locations/nl/cpo/loc1"]

    hub.clock.advance(3600)
    await follow(hub)
    assert await lanes(hub, platform_id) == []
    await hub.put_location(name="Changed")
    assert await lanes(hub, platform_id) == []

    hub.clock.advance(3600)
    await follow(hub)
    assert await lanes(hub, platform_id) == ["de/msp:locations/nl/cpo/loc1"]
    await follow(hub)
    await hub.drain(platform_id)
    [push] = emsp.told("locations", "PUT")
    assert push.json["name"] == "Changed"


async def test_a_platform_that_is_gone_or_has_no_such_module_is_owed_nothing(
    hub: Hub, emsp: Partner, other: Partner
) -> None:
    await put(hub, parties=("NL/CPO", "*"), allowed=False)
    await hub.connect(emsp, modules={"tariffs"})
    await hub.connect(other, status="SUSPENDED")
    await follow(hub)
    await hub.put_location()
    await remove(hub)
    await follow(hub)
    assert await hub.owed() == []


@pytest.mark.parametrize("kind", [LOCATIONS, CDRS])
async def test_a_change_that_changes_nothing_owes_nothing(hub: Hub, emsp: Partner, kind: Any) -> None:
    platform_id = await hub.connect(emsp)
    await hub.put(kind, objects.location() if kind is LOCATIONS else objects.cdr())
    await hub.drain(platform_id)
    await put(hub, note="a contract on paper")
    await follow(hub)
    await put(hub, note="another", modules=["locations", "cdrs"])
    await follow(hub)
    assert await hub.owed() == []
