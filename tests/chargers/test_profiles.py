"""Charging profiles of partners for sessions at our own chargers: who may, what is asked, what is told, and when."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import col

from bridge_ocpp.port import (
    ChargerBooted,
    ChargerOnline,
    GetComposite,
    LimitChanged,
    LimitTransaction,
    Outcome,
    OutcomeStatus,
    Period,
    RateUnit,
    Schedule,
    TransactionEnded,
    TransactionStarted,
    write_schedule,
)
from ocpi_hub.chargers import jobs, limits, profiles, smartness
from ocpi_hub.chargers.profile_words import Wish
from ocpi_hub.chargers.tables import PartnerCommand
from ocpi_hub.delivery.tables import Owed
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.tables import Endpoint
from ocpi_hub.wire import json
from ocpi_hub.wire.chargingprofiles import ChargingProfile
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from tests.chargers.commanding import OTHER, results, running
from tests.chargers.house import CPO, EMSP, House, transaction

URL = "https://msp.example.com/ocpi/chargingprofiles/result/7"
LIMITS = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": 10}]}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
COMPOSITE = Schedule(RateUnit.A, (Period(0, Decimal("10.0")), Period(600, Decimal("6.25"))), NOON, 900)


async def wish(
    house: House,
    kind: Wish,
    session_id: str,
    *,
    sender: PartyId = EMSP,
    to: PartyId | None = CPO,
    profile: Any = None,
    duration: int | None = None,
    url: str = URL,
) -> str:
    """Send a request and give the result of the ChargingProfileResponse."""
    wished = profiles.Wished(
        wish=kind,
        session_id=session_id,
        response_url=url,
        platform_id="MSP",
        from_party=sender,
        to_party=to,
        correlation_id="corr-9",
        profile=None if profile is None else ChargingProfile.model_validate(profile),
        duration=duration,
    )
    async with house.resources.unit_of_work() as db:
        response = await profiles.accept(house.resources, wished, db)
    assert response.timeout > 0
    return str(response.result)


async def work(house: House) -> None:
    """Run the jobs whose bells rang, and those that they ring."""
    known = {"chargers.execute": jobs.execute, "chargers.tell_profile": limits.tell,
             "chargers.learn_profiles": smartness.learn}  # fmt: skip
    while house.bells:
        name, ids = house.bells.pop(0)
        if name in known:
            await known[name](house.resources, *ids)


async def test_a_profile_is_set_asked_for_and_taken_away(placed: House) -> None:
    session = await running(placed)
    assert await wish(placed, Wish.SET, session.upper(), profile=LIMITS) == "ACCEPTED"
    await work(placed)
    [(charger, command, _)] = placed.bridge.asked
    assert (charger, command) == ("BOX-1", LimitTransaction("T1", Schedule(RateUnit.A, (Period(0, Decimal(10)),))))
    assert await results(placed) == [(URL, {"result": "ACCEPTED"})]
    await placed.settle()
    placed.bridge.outcome = Outcome(OutcomeStatus.ACCEPTED, payload=write_schedule(COMPOSITE))
    assert await wish(placed, Wish.GET, session, duration=900) == "ACCEPTED"
    await work(placed)
    assert placed.bridge.asked[-1][1] == GetComposite(1, 900)
    profile = {
        "start_date_time": "2026-03-02T12:00:00Z",
        "duration": 900,
        "charging_rate_unit": "A",
        "charging_profile_period": [{"start_period": 0, "limit": 10}, {"start_period": 600, "limit": Decimal("6.2")}],
    }
    active = {"start_date_time": "2026-03-02T12:00:00Z", "charging_profile": profile}
    assert await results(placed) == [(URL, {"result": "ACCEPTED", "profile": active})]
    await placed.settle()
    assert await wish(placed, Wish.CLEAR, session) == "ACCEPTED"
    await work(placed)
    assert placed.bridge.asked[-1][1] == LimitTransaction("T1", None)


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (OutcomeStatus.REJECTED, "REJECTED"),
        (OutcomeStatus.NOT_SUPPORTED, "REJECTED"),
        (OutcomeStatus.UNKNOWN_PROFILE, "UNKNOWN"),
        (OutcomeStatus.TIMEOUT, "REJECTED"),
        (OutcomeStatus.OFFLINE, "REJECTED"),
    ],
)
async def test_what_the_charger_makes_of_it(placed: House, status: OutcomeStatus, result: str) -> None:
    session = await running(placed)
    placed.bridge.outcome = Outcome(status)
    await wish(placed, Wish.CLEAR, session)
    await work(placed)
    assert await results(placed) == [(URL, {"result": result})]


async def test_a_composite_that_does_not_say_when_it_begins_is_none(placed: House) -> None:
    session = await running(placed)
    timeless = Schedule(RateUnit.A, COMPOSITE.periods)
    placed.bridge.outcome = Outcome(OutcomeStatus.ACCEPTED, payload=write_schedule(timeless))
    await wish(placed, Wish.GET, session, duration=60)
    await work(placed)
    assert await results(placed) == [(URL, {"result": "REJECTED"})]


async def test_who_may_and_for_what(placed: House) -> None:
    session = await running(placed)
    assert await wish(placed, Wish.SET, "nonsense", profile=LIMITS) == "UNKNOWN_SESSION"
    assert await wish(placed, Wish.SET, session, to=OTHER, profile=LIMITS) == "UNKNOWN_SESSION"
    assert await wish(placed, Wish.SET, session, to=None, profile=LIMITS) == "ACCEPTED"
    assert await wish(placed, Wish.SET, session, sender=OTHER, profile=LIMITS) == "REJECTED"
    await placed.hear(ChargerOnline("BOX-1", placed.now, online=False))
    assert await wish(placed, Wish.GET, session, duration=60) == "REJECTED"
    await placed.hear(ChargerOnline("BOX-1", placed.now, online=True))
    await placed.hear(TransactionEnded("BOX-1", placed.now, transaction(ended_at=placed.now, energy_wh=Decimal(1))))
    assert await wish(placed, Wish.GET, session, duration=60) == "REJECTED"


async def test_an_own_cards_session_is_no_partners(placed: House) -> None:
    await placed.add_card("OWN1")
    await placed.hear(TransactionStarted("BOX-1", placed.now, transaction("OWN1")))
    session = str((await placed.link()).session_id)
    assert await wish(placed, Wish.SET, session, profile=LIMITS) == "REJECTED"


@pytest.mark.parametrize(
    "periods",
    [
        [],
        [{"start_period": 5, "limit": 10}],
        [{"start_period": 0, "limit": 10}, {"start_period": 0, "limit": 9}],
        [{"start_period": 0, "limit": -1}],
    ],
)
async def test_a_profile_that_cannot_be_meant_is_refused(placed: House, periods: Any) -> None:
    session = await running(placed)
    with pytest.raises(InvalidParameters, match="charging_profile_period"):
        await wish(placed, Wish.SET, session, profile=LIMITS | {"charging_profile_period": periods})


async def test_a_response_url_that_is_not_public_is_refused(placed: House) -> None:
    with pytest.raises(InvalidParameters, match="response_url"):
        await wish(placed, Wish.CLEAR, await running(placed), url="http://10.0.0.1/x")


async def test_too_often_is_told(placed: House) -> None:
    session = await running(placed)
    for _ in range(placed.resources.settings.profiles_per_minute):
        assert await wish(placed, Wish.CLEAR, session) == "ACCEPTED"
    assert await wish(placed, Wish.CLEAR, session) == "TOO_OFTEN"
    placed.tick(seconds=61)
    assert await wish(placed, Wish.CLEAR, session) == "ACCEPTED"


async def test_what_died_on_the_way_is_answered_by_the_sweep(placed: House) -> None:
    session = await running(placed)
    await wish(placed, Wish.SET, session, profile=LIMITS)
    placed.bells.clear()
    placed.tick(seconds=36)
    await jobs.sweep(placed.resources)
    assert await results(placed) == [(URL, {"result": "REJECTED"})]
    [row] = await placed.rows(PartnerCommand, col(PartnerCommand.id))
    assert row.outcome == "TIMEOUT"
    await work(placed)
    assert placed.bridge.asked == []


# --- changes for another reason ----------------------------------------------------------------------------------


@pytest.fixture
async def limited(placed: House) -> House:
    """A partner has set a profile, and has a SENDER endpoint."""
    session = await running(placed)
    async with placed.resources.unit_of_work() as db:
        url = "http://127.0.0.1:9/ocpi/sender/chargingprofiles"
        db.add(Endpoint(platform_id="MSP", identifier="chargingprofiles", role="SENDER", url=url))
        placed.resources.one(Directory).changed(db)
    await wish(placed, Wish.SET, session, profile=LIMITS)
    await work(placed)
    await placed.settle()
    placed.bridge.asked.clear()
    placed.bridge.outcome = Outcome(OutcomeStatus.ACCEPTED, payload=write_schedule(COMPOSITE))
    return placed


async def puts(house: House) -> list[tuple[str, str | None, Any]]:
    return [(row.verb, row.url, json.loads(row.body or "null")) for row in await house.rows(Owed, col(Owed.id))]


async def test_the_setter_is_told_of_other_limits_once(limited: House) -> None:
    session = (await limited.link()).session_id
    await limited.hear(LimitChanged("box-1", limited.now, 1, "site"))
    await work(limited)
    assert limited.bridge.asked[0][1] == GetComposite(1, 1800)
    [(verb, url, body)] = await puts(limited)
    assert (verb, url) == ("PUT", f"http://127.0.0.1:9/ocpi/sender/chargingprofiles/{session}")
    assert body["charging_profile"]["charging_profile_period"][0] == {"start_period": 0, "limit": 10}
    await limited.settle()
    await limited.hear(LimitChanged("BOX-1", limited.now, 0, "EMS"))
    await work(limited)
    assert await puts(limited) == []


async def test_a_lost_bell_is_rung_again(limited: House) -> None:
    await limited.hear(LimitChanged("BOX-1", limited.now, 1, "site"))
    limited.bells.clear()
    limited.tick(seconds=2)
    await limits.sweep(limited.resources)
    await work(limited)
    assert len(await puts(limited)) == 1


async def test_nobody_else_is_told(limited: House) -> None:
    await limited.hear(LimitChanged("BOX-1", limited.now, 2, "site"))
    await limited.hear(LimitChanged("BOX-2", limited.now, 1, "site"))
    await work(limited)
    assert limited.bridge.asked == []


async def test_who_never_set_a_profile_is_never_told(placed: House) -> None:
    session = await running(placed)
    placed.bridge.outcome = Outcome(OutcomeStatus.REJECTED)
    await wish(placed, Wish.SET, session, profile=LIMITS)
    await work(placed)
    await placed.settle()
    placed.bridge.asked.clear()
    await placed.hear(LimitChanged("BOX-1", placed.now, 1, "site"))
    await work(placed)
    assert (placed.bridge.asked, await puts(placed)) == ([], [])


# --- who can -----------------------------------------------------------------------------------------------------


def boot(house: House, firmware: str = "1") -> ChargerBooted:
    return ChargerBooted("BOX-1", house.now, "V", "M", "ocpp1.6", firmware_version=firmware)


async def test_evses_say_what_their_charger_can(placed: House) -> None:
    session = await running(placed)
    placed.bridge.outcome = Outcome(OutcomeStatus.ACCEPTED, payload=write_schedule(COMPOSITE))
    await placed.hear(boot(placed))
    await work(placed)
    assert placed.bridge.asked[0][1] == GetComposite(1, 60)
    for uid in ("EVSE1", "EVSE2"):
        assert "CHARGING_PROFILE_CAPABLE" in (await placed.evse(uid))["capabilities"]
    await placed.hear(boot(placed))
    await work(placed)
    assert len(placed.bridge.asked) == 1  # it is known of this firmware
    placed.bridge.outcome = Outcome(OutcomeStatus.NOT_SUPPORTED)
    await placed.hear(boot(placed, "2"))
    await work(placed)
    assert "CHARGING_PROFILE_CAPABLE" not in ((await placed.evse("EVSE1")).get("capabilities") or [])
    assert await wish(placed, Wish.SET, session, profile=LIMITS) == "NOT_SUPPORTED"


async def test_no_answer_says_nothing_and_is_asked_again(placed: House) -> None:
    placed.bridge.outcome = Outcome(OutcomeStatus.TIMEOUT)
    for _ in range(2):
        await placed.hear(boot(placed))
        await work(placed)
    assert len(placed.bridge.asked) == 2
    assert "CHARGING_PROFILE_CAPABLE" not in ((await placed.evse("EVSE1")).get("capabilities") or [])
