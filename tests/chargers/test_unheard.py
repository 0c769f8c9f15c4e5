"""Tokens that nobody told us of: our chargers ask all eMSPs at once, and bill the one that allows it."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge_ocpp.port import AuthStatus, IdToken, Where
from ocpi_hub.chargers.tables import Authorization
from ocpi_hub.partners import register
from ocpi_hub.wire.headers import PartyId, Routing
from tests.chargers.charging import end, start
from tests.chargers.house import CARD, CPO, EMSP, House
from tests.world import faults, objects
from tests.world.partner import Partner

TWO = PartyId("FR", "TWO")


def info(allowed: str = "ALLOWED", *, owner: PartyId = EMSP, uid: str = CARD, **more: Any) -> dict[str, Any]:
    token = objects.token(uid, owner=(owner.country_code, owner.party_id), whitelist="NEVER")
    return {"allowed": allowed, "token": token, **more}


@pytest.fixture
async def second() -> AsyncIterator[Partner]:
    async with Partner(("EMSP", "FR", "TWO")) as partner:
        yield partner


@pytest.fixture
async def asking(house: House, emsp: Partner, second: Partner) -> House:
    """A charger with two EVSEs, and two eMSPs that told us of no token."""
    await house.add_partner(emsp)
    await house.add_partner(second, TWO, name="MSP2")
    await house.add_tariff()
    await house.add_charger(evses=[{"uid": "A"}, {"uid": "B"}])
    return house


async def remembered(house: House) -> Authorization:
    *_, last = await house.rows(Authorization, Authorization.id)
    return last


async def test_every_emsp_is_asked_about_the_place_in_the_name_of_our_party(
    asking: House, emsp: Partner, second: Partner
) -> None:
    await asking.authorize(evse_id=2)
    for partner, party in ((emsp, EMSP), (second, TWO)):
        [asked] = partner.told("tokens", "POST")
        assert (asked.path, asked.query) == (f"{CARD}/authorize", {"type": "RFID"})
        assert asked.json == {"location_id": "LOC1", "evse_uids": ["B"]}
        assert Routing.read(asked.headers) == Routing(to=party, from_=CPO)


async def test_whoever_allows_it_pays(asking: House, second: Partner) -> None:
    second.authorizes[CARD] = info(owner=TWO, authorization_reference="A-7")
    assert (await asking.authorize(CARD, evse_id=1)).accepted
    row = await remembered(asking)
    assert (row.auth_method, row.authorization_reference) == ("AUTH_REQUEST", "A-7")
    await asking.settle()
    await start(asking)
    await end(asking)
    cdr = await asking.cdr()
    assert (cdr["cdr_token"]["country_code"], cdr["cdr_token"]["party_id"]) == ("FR", "TWO")
    assert (cdr["auth_method"], cdr["authorization_reference"]) == ("AUTH_REQUEST", "A-7")
    assert f"fr/two:cdrs/nl/cpo/{cdr['id']}" in await asking.owed()


@pytest.mark.parametrize(
    ("first", "other", "status"),
    [
        (None, None, AuthStatus.UNKNOWN),
        (None, "BLOCKED", AuthStatus.BLOCKED),
        ("NOT_ALLOWED", "NO_CREDIT", AuthStatus.NO_CREDIT),
        ("BLOCKED", "ALLOWED", AuthStatus.ACCEPTED),
    ],
)
async def test_the_refusal_that_says_most_is_the_chargers(
    asking: House, emsp: Partner, second: Partner, first: str | None, other: str | None, status: AuthStatus
) -> None:
    for partner, owner, allowed in ((emsp, EMSP, first), (second, TWO, other)):
        if allowed is not None:
            partner.authorizes[CARD] = info(allowed, owner=owner)
    assert (await asking.authorize(CARD)).status is status


async def test_emsps_that_hang_cost_two_seconds_together_and_open_nothing(
    asking: House, emsp: Partner, second: Partner
) -> None:
    for partner in (emsp, second):
        partner.misbehave(faults.hangs(), module="tokens")
    began = time.monotonic()
    verdict = await asking.authorize()
    assert time.monotonic() - began < 10, "a hanging eMSP would cost an hour"
    assert (verdict.status, verdict.message) == (AuthStatus.INVALID, "No provider answered")


async def test_one_that_hangs_does_not_delay_the_one_that_allows(asking: House, emsp: Partner, second: Partner) -> None:
    emsp.misbehave(faults.hangs(), module="tokens")
    second.authorizes[CARD] = info(owner=TWO)
    assert (await asking.authorize(CARD)).accepted


@pytest.mark.parametrize(
    "answer",
    [
        {"allowed": "ALLOWED"},
        info(owner=TWO),
        info(uid="ANOTHER"),
        {"allowed": "ALLOWED", "token": {"uid": CARD}},
        {"allowed": ["ALLOWED"]},
    ],
)
async def test_nobody_charges_for_a_token_that_cannot_be_billed(house: House, emsp: Partner, answer: Any) -> None:
    """No Token in the answer, a broken one, or that of another platform."""
    await house.add_partner(emsp)
    await house.add_partner(None, TWO, name="MSP2")
    await house.add_charger()
    emsp.authorizes[CARD] = answer
    assert (await house.authorize(CARD)).status is AuthStatus.INVALID


async def test_only_the_evses_that_the_answer_names_are_allowed(asking: House, emsp: Partner) -> None:
    emsp.authorizes[CARD] = info(location={"location_id": "LOC1", "evse_uids": ["A"]})
    assert (await asking.authorize(CARD, evse_id=1)).accepted
    assert (await asking.authorize(CARD, evse_id=2)).status is AuthStatus.NOT_AT_THIS_LOCATION


async def test_the_type_is_the_one_that_the_charger_read(asking: House, emsp: Partner) -> None:
    async with asking.resources.unit_of_work() as db:
        await asking.events.may_charge(IdToken("APP-1", "Central"), Where("BOX-1", 1), db)
    [asked] = emsp.told("tokens", "POST")
    assert asked.query == {"type": "APP_USER"}


async def test_nobody_is_asked_where_nobody_could_be_billed(house: House, emsp: Partner) -> None:
    await house.add_partner(emsp)
    await house.add_charger(location=None, evses=[])
    assert (await house.authorize()).status is AuthStatus.UNKNOWN
    assert emsp.told("tokens") == []


async def test_without_any_emsp_it_is_unknown(house: House) -> None:
    await house.add_charger()
    assert (await house.authorize()).status is AuthStatus.UNKNOWN


async def test_the_whitelist_of_a_suspended_partner_opens_nothing(house: House, emsp: Partner) -> None:
    """Its CDRs could not be sent, and it is not asked either."""
    await house.add_partner(emsp)
    await house.add_charger()
    await house.add_token(whitelist="ALWAYS")
    assert (await house.authorize()).accepted
    async with house.resources.unit_of_work() as db:
        await register.suspend(db, house.resources, "MSP")
    assert (await house.authorize()).status is AuthStatus.UNKNOWN
    assert emsp.told("tokens") == []
