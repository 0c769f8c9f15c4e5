"""May a token charge: own cards, and partners' tokens by their whitelist with a real eMSP."""

import time
from datetime import timedelta
from typing import Any

import pytest

from bridge_ocpp.port import AuthStatus, IdToken
from ocpi_hub.chargers import realtime
from ocpi_hub.chargers.tables import Authorization
from ocpi_hub.partners.client import Refused, Told, Unreachable
from ocpi_hub.wire.envelope import Answer
from ocpi_hub.wire.headers import PartyId, Routing
from tests.chargers.house import CARD, CPO, EMSP, START, House
from tests.world import faults, objects
from tests.world.partner import Partner


def info(allowed: str = "ALLOWED", **more: Any) -> dict[str, Any]:
    return {"allowed": allowed, "token": objects.token(whitelist="NEVER"), **more}


async def remembered(house: House) -> Authorization:
    *_, last = await house.rows(Authorization, Authorization.id)
    return last


# --- own cards -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Accepted", "Blocked", "Expired", "Invalid"])
async def test_an_own_card_says_itself_what_it_may(house: House, status: str) -> None:
    await house.add_charger()
    await house.add_card("04AABB", status=status, group_id="FLEET")
    verdict = await house.authorize("04aabb")
    assert (verdict.status, verdict.group) == (status, IdToken("FLEET"))
    assert (await remembered(house)).auth_method is None


async def test_an_own_card_expires_on_its_day(house: House) -> None:
    await house.add_charger()
    await house.add_card("04AABB", expires_at=START + timedelta(hours=1))
    verdict = await house.authorize("04AABB")
    assert (verdict.status, verdict.expires_at) == (AuthStatus.ACCEPTED, START + timedelta(hours=1))
    house.tick(hours=1)
    assert (await house.authorize("04AABB")).status is AuthStatus.EXPIRED


async def test_an_own_card_needs_no_place(house: House) -> None:
    await house.add_charger(location=None, evses=[])
    await house.add_card("04AABB")
    assert (await house.authorize("04AABB")).accepted
    assert (await house.authorize("04AABB", charger_id="NEVER-PLACED")).accepted


@pytest.mark.parametrize(("uid", "kind"), [("", "NoAuthorization"), ("", "ISO14443"), ("any", "NoAuthorization")])
async def test_who_shows_nothing_charges_where_the_operator_says_so_and_nobody_is_asked(
    house: House, emsp: Partner, uid: str, kind: str
) -> None:
    await house.add_charger()
    assert (await house.authorize(uid, evse_id=1, kind=kind)).status is AuthStatus.UNKNOWN
    await house.add_card("NoAuthorization")
    assert (await house.authorize(uid, evse_id=1, kind=kind)).accepted
    assert emsp.told("tokens", "POST") == []


# --- partners' tokens -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("whitelist", "valid", "asked", "status", "method"),
    [
        ("ALWAYS", True, False, AuthStatus.ACCEPTED, "WHITELIST"),
        ("ALWAYS", False, False, AuthStatus.BLOCKED, "WHITELIST"),
        ("ALLOWED", True, False, AuthStatus.ACCEPTED, "WHITELIST"),
        ("ALLOWED", False, True, AuthStatus.ACCEPTED, "AUTH_REQUEST"),
        ("ALLOWED_OFFLINE", True, True, AuthStatus.ACCEPTED, "AUTH_REQUEST"),
        ("ALLOWED_OFFLINE", False, True, AuthStatus.ACCEPTED, "AUTH_REQUEST"),
        ("NEVER", True, True, AuthStatus.ACCEPTED, "AUTH_REQUEST"),
        ("NEVER", False, True, AuthStatus.ACCEPTED, "AUTH_REQUEST"),
    ],
)
async def test_whitelist_with_an_emsp_that_answers(
    house: House, emsp: Partner, whitelist: str, valid: bool, asked: bool, status: AuthStatus, method: str
) -> None:
    await house.add_partner(emsp)
    await house.add_charger()
    await house.add_token(whitelist=whitelist, valid=valid)
    emsp.authorizes[CARD] = info()
    assert (await house.authorize()).status is status
    assert bool(emsp.told("tokens", "POST")) is asked
    assert (await remembered(house)).auth_method == method


@pytest.mark.parametrize(
    ("whitelist", "valid", "status"),
    [
        ("ALWAYS", True, AuthStatus.ACCEPTED),
        ("ALLOWED", True, AuthStatus.ACCEPTED),
        ("ALLOWED", False, AuthStatus.INVALID),
        ("ALLOWED_OFFLINE", True, AuthStatus.ACCEPTED),
        ("ALLOWED_OFFLINE", False, AuthStatus.BLOCKED),
        ("NEVER", True, AuthStatus.INVALID),
        ("NEVER", False, AuthStatus.INVALID),
    ],
)
async def test_whitelist_with_an_emsp_that_is_gone(
    house: House, whitelist: str, valid: bool, status: AuthStatus
) -> None:
    await house.add_partner()
    await house.add_charger()
    await house.add_token(whitelist=whitelist, valid=valid)
    assert (await house.authorize()).status is status


@pytest.mark.parametrize("whitelist", ["NEVER", "ALLOWED_OFFLINE"])
async def test_an_emsp_that_hangs_costs_two_seconds_and_opens_nothing(
    house: House, emsp: Partner, whitelist: str
) -> None:
    await house.add_partner(emsp)
    await house.add_charger()
    await house.add_token(whitelist=whitelist)
    emsp.misbehave(faults.hangs(), module="tokens")
    began = time.monotonic()
    verdict = await house.authorize()
    assert time.monotonic() - began < 10, "a hanging eMSP would cost an hour"
    assert verdict.accepted is (whitelist == "ALLOWED_OFFLINE")
    if whitelist == "NEVER":
        assert verdict.message == "The provider did not answer"


async def test_the_request_names_the_token_the_place_and_the_parties(house: House, emsp: Partner) -> None:
    await house.add_partner(emsp)
    await house.add_charger(evses=[{"uid": "A"}, {"uid": "B"}])
    await house.add_token("04A1/B2", whitelist="NEVER", type="OTHER")
    emsp.authorizes["04A1%2FB2"] = emsp.authorizes["04A1/B2"] = info()
    await house.authorize("04a1/b2")
    await house.authorize("04A1/B2", evse_id=2)
    anywhere, here = emsp.told("tokens", "POST")
    assert (anywhere.path, anywhere.query) == ("04A1/B2/authorize", {"type": "OTHER"})
    assert anywhere.json == {"location_id": "LOC1", "evse_uids": ["A", "B"]}
    assert here.json == {"location_id": "LOC1", "evse_uids": ["B"]}
    assert Routing.read(here.headers) == Routing(to=EMSP, from_=CPO)


@pytest.mark.parametrize(
    ("allowed", "status"),
    [
        ("BLOCKED", AuthStatus.BLOCKED),
        ("EXPIRED", AuthStatus.EXPIRED),
        ("NO_CREDIT", AuthStatus.NO_CREDIT),
        ("NOT_ALLOWED", AuthStatus.NOT_AT_THIS_LOCATION),
    ],
)
@pytest.mark.parametrize("whitelist", ["NEVER", "ALLOWED_OFFLINE"])
async def test_a_refusal_reaches_the_charger_in_its_own_words(
    house: House, emsp: Partner, allowed: str, status: AuthStatus, whitelist: str
) -> None:
    await house.add_partner(emsp)
    await house.add_charger()
    await house.add_token(whitelist=whitelist)
    emsp.authorizes[CARD] = info(allowed, info={"language": "en", "text": "Please call us"})
    verdict = await house.authorize()
    assert (verdict.status, verdict.message) == (status, "Please call us")


async def test_a_token_that_its_emsp_forgot_is_unknown(house: House, emsp: Partner) -> None:
    await house.add_partner(emsp)
    await house.add_charger()
    await house.add_token(whitelist="ALLOWED_OFFLINE")
    assert (await house.authorize()).status is AuthStatus.UNKNOWN


async def test_what_the_emsp_gives_is_remembered_for_the_session(house: House, emsp: Partner) -> None:
    await house.add_partner(emsp)
    await house.add_charger()
    await house.add_token(whitelist="NEVER")
    newer = objects.token(whitelist="NEVER", contract_id="DE-MSP-NEW", group_id="FLEET")
    emsp.authorizes[CARD] = info(authorization_reference="AUTH-77", token=newer)
    verdict = await house.authorize(CARD.lower())
    assert verdict.group == IdToken("FLEET")
    row = await remembered(house)
    assert (row.status, row.auth_method, row.authorization_reference) == ("Accepted", "AUTH_REQUEST", "AUTH-77")
    assert "DE-MSP-NEW" in str(row.token)


async def test_only_the_evses_that_the_answer_names_are_allowed(house: House, emsp: Partner) -> None:
    await house.add_partner(emsp)
    await house.add_charger(evses=[{"uid": "A"}, {"uid": "B"}])
    await house.add_token(whitelist="NEVER")
    emsp.authorizes[CARD] = info(location={"location_id": "LOC1", "evse_uids": ["a"]})
    assert (await house.authorize(evse_id=1)).accepted
    assert (await house.authorize(evse_id=2)).status is AuthStatus.NOT_AT_THIS_LOCATION


async def test_a_token_that_nobody_named_is_unknown(house: House) -> None:
    await house.add_charger()
    assert (await house.authorize("FFFF")).status is AuthStatus.UNKNOWN


async def test_a_partners_token_at_a_charger_without_a_place_is_refused(house: House) -> None:
    await house.add_partner()
    await house.add_token(whitelist="ALWAYS")
    await house.add_charger(location=None, evses=[])
    assert (await house.authorize()).status is AuthStatus.NOT_AT_THIS_LOCATION


async def test_rfid_comes_before_other_types_and_the_first_owner_before_later_ones(house: House) -> None:
    await house.add_partner()
    await house.add_charger()
    other = PartyId("FR", "TWO")
    await house.add_token(whitelist="ALWAYS", type="OTHER", valid=False)
    await house.add_token(whitelist="ALWAYS")
    await house.add_token(whitelist="ALWAYS", owner=other)
    assert (await house.authorize()).accepted
    assert '"DE"' in str((await remembered(house)).token)


async def test_a_group_id_longer_than_1_6_can_carry_is_for_the_dialect_to_leave_out(house: House) -> None:
    """K5: half a group id would be another group."""
    await house.add_partner()
    await house.add_charger()
    await house.add_token(whitelist="ALWAYS", group_id="G" * 21)
    assert (await house.authorize()).group == IdToken("G" * 21)


# --- reading the answer -----------------------------------------------------------------------------------------


def told(data: Any) -> Told:
    return Told(Answer(1000, None, None, data, True), 200, {}, 1, "r", "base64")


def refused(http: int, ocpi: int | None) -> Refused:
    return Refused(http, ocpi, "no", None, 1, "r")


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (told(info()), AuthStatus.ACCEPTED),
        (told([info()]), AuthStatus.ACCEPTED),
        (told({"allowed": "ALLOWED"}), AuthStatus.ACCEPTED),
        (told({"allowed": "WHY_NOT"}), AuthStatus.INVALID),
        (refused(404, 2004), AuthStatus.UNKNOWN),
        (refused(200, 2004), AuthStatus.UNKNOWN),
        (refused(404, None), AuthStatus.UNKNOWN),
        (refused(200, 2002), AuthStatus.INVALID),
        (refused(200, 2001), AuthStatus.INVALID),
        (told(None), None),
        (told("yes"), None),
        (told({"allowed": None}), None),
        (told([]), None),
        (refused(200, 3000), None),
        (refused(200, 4003), None),
        (refused(401, None), None),
        (Unreachable("down", 1, "r"), None),
    ],
)
def test_an_answer_is_a_decision_or_none(result: Any, status: AuthStatus | None) -> None:
    answer = realtime.judge(result, objects.token())
    assert (answer.status if isinstance(answer, realtime.Answered) else None) is status


@pytest.mark.parametrize(
    "other", [objects.token(owner=("FR", "XXX")), objects.token("OTHER"), objects.token(type="OTHER"), {"uid": CARD}]
)
def test_another_token_in_the_answer_is_not_taken(other: dict[str, Any]) -> None:
    answer = realtime.judge(told(info(token=other)), objects.token())
    assert isinstance(answer, realtime.Answered)
    assert answer.token is None
