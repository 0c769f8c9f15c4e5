"""J4, the middle of it: transactions become Sessions and CDRs for whoever pays, and corrections become credits."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import col

from bridge_ocpp.port import (
    ChargingState,
    IdToken,
    Sample,
    StateChange,
    Transaction,
    TransactionCorrected,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from ocpi_hub.chargers.tables import SessionLink
from ocpi_hub.objects.kinds import CDRS, SESSIONS
from ocpi_hub.objects.tables import KeptCdr, KeptSession
from ocpi_hub.wire.cdrs import CDR
from ocpi_hub.wire.sessions import Session
from tests.chargers.house import CARD, CPO, START, House, register, state, transaction
from tests.world import objects

SAMPLES = (register(0, 1000, context="Transaction.Begin"), register(30, 6000), register(60, 11000))
STATES = (state(0, "Charging"),)


@pytest.fixture
async def placed(house: House) -> House:
    """A charger with a tariff of 0.50 + 0.25/kWh + 21 %, and a whitelisted card of an eMSP."""
    await house.add_partner()
    await house.add_tariff()
    await house.add_charger()
    await house.add_token()
    await house.settle()
    return house


async def start(house: House, found: Transaction | None = None) -> None:
    await house.hear(TransactionStarted("BOX-1", house.now, found or transaction()))


async def update(house: House, *, samples: tuple[Sample, ...] = (), **facts: Any) -> None:
    found = transaction(**facts)
    house.bridge.known[found.id] = (found, samples, STATES)
    await house.hear(TransactionUpdated("BOX-1", house.now, found, samples[-1:]))


def over(**facts: Any) -> Transaction:
    """The transaction after an hour and 10 kWh."""
    plain = {"ended_at": START + timedelta(hours=1), "energy_wh": Decimal(10_000), "stop_reason": "Local"}
    return transaction(**(plain | facts))


async def end(
    house: House, *, samples: tuple[Sample, ...] = SAMPLES, states: tuple[StateChange, ...] = STATES, **facts: Any
) -> None:
    house.now = START + timedelta(hours=1, seconds=2)
    await house.hear(TransactionEnded("BOX-1", house.now, over(**facts), samples, states))


async def correct(house: House, *, samples: tuple[Sample, ...] = SAMPLES, **facts: Any) -> None:
    house.tick(hours=1)
    await house.hear(TransactionCorrected("BOX-1", house.now, over(**facts), samples, STATES))


# --- running ----------------------------------------------------------------------------------------------------


async def test_a_session_begins_active_and_is_owed_to_the_tokens_owner(placed: House) -> None:
    await start(placed)
    session = await placed.session()
    link = await placed.link()
    assert session == {
        "country_code": "NL",
        "party_id": "CPO",
        "id": link.session_id,
        "start_date_time": "2026-03-02T10:00:00Z",
        "kwh": 0,
        "cdr_token": objects.cdr_token(),
        "auth_method": "WHITELIST",
        "location_id": "LOC1",
        "evse_uid": "EVSE1",
        "connector_id": "1",
        "currency": "EUR",
        "charging_periods": [
            {
                "start_date_time": "2026-03-02T10:00:00Z",
                "dimensions": [{"type": "ENERGY", "volume": 0}, {"type": "TIME", "volume": 0}],
                "tariff_id": "TARIFF1",
            }
        ],
        "total_cost": {"excl_vat": Decimal("0.5"), "incl_vat": Decimal("0.605")},
        "status": "ACTIVE",
        "last_updated": "2026-03-02T10:00:00Z",
    }
    Session.model_validate(session)
    assert len(str(link.session_id)) <= 36
    assert await placed.owed() == [f"de/msp:sessions/nl/cpo/{link.session_id}"]
    [kept] = await placed.rows(KeptSession)
    assert kept.reader_key == "de/msp"


async def test_a_running_session_is_told_now_and_then(placed: House) -> None:
    await start(placed)
    placed.tick(seconds=59)
    await update(placed, energy_wh=Decimal(500))
    assert (await placed.session())["kwh"] == 0
    placed.tick(seconds=1)
    await update(placed, energy_wh=Decimal(510), samples=(register(0, 1000), register(1, 1510)))
    session = await placed.session()
    assert (session["kwh"], session["last_updated"]) == (Decimal("0.51"), "2026-03-02T10:01:00Z")
    assert session["total_cost"]["excl_vat"] == Decimal("0.6275")
    assert "end_date_time" not in session


async def test_another_charging_state_is_told_at_once(placed: House) -> None:
    await start(placed, transaction(charging_state=ChargingState.CHARGING))
    placed.tick(seconds=5)
    await update(placed, energy_wh=Decimal(40), charging_state=ChargingState.SUSPENDED_EV)
    assert (await placed.session())["kwh"] == Decimal("0.04")


async def test_a_session_waits_for_its_token(placed: House) -> None:
    await start(placed, transaction(None))
    assert (await placed.link()).status is None
    placed.tick(seconds=5)
    await update(placed, id_token=IdToken(CARD))
    assert (await placed.session())["cdr_token"] == objects.cdr_token()


async def test_a_start_that_is_told_twice_is_one_session(placed: House) -> None:
    await start(placed)
    await start(placed)
    assert len(await placed.rows(KeptSession)) == 1


# --- the end ----------------------------------------------------------------------------------------------------


async def test_the_end_is_a_completed_session_and_a_cdr_in_one_transaction(placed: House) -> None:
    await start(placed)
    await placed.settle()
    await end(placed)
    session, cdr, link = await placed.session(), await placed.cdr(), await placed.link()
    assert (session["status"], session["end_date_time"]) == ("COMPLETED", "2026-03-02T11:00:00Z")
    assert session["kwh"] == 10
    assert cdr == {
        "country_code": "NL",
        "party_id": "CPO",
        "id": link.session_id,
        "start_date_time": "2026-03-02T10:00:00Z",
        "end_date_time": "2026-03-02T11:00:00Z",
        "session_id": link.session_id,
        "cdr_token": objects.cdr_token(),
        "auth_method": "WHITELIST",
        "cdr_location": {
            "id": "LOC1",
            "name": "Damrak",
            "address": "Damrak 1",
            "city": "Amsterdam",
            "country": "NLD",
            "coordinates": {"latitude": "52.37403", "longitude": "4.88969"},
            "evse_uid": "EVSE1",
            "evse_id": "NL*CPO*EEVSE1",
            "connector_id": "1",
            "connector_standard": "IEC_62196_T2",
            "connector_format": "SOCKET",
            "connector_power_type": "AC_3_PHASE",
        },
        "currency": "EUR",
        "tariffs": [cdr["tariffs"][0]],
        "charging_periods": [
            {
                "start_date_time": "2026-03-02T10:00:00Z",
                "dimensions": [{"type": "ENERGY", "volume": 10}, {"type": "TIME", "volume": 1}],
                "tariff_id": "TARIFF1",
            }
        ],
        "total_cost": {"excl_vat": 3, "incl_vat": Decimal("3.63")},
        "total_fixed_cost": {"excl_vat": Decimal("0.5"), "incl_vat": Decimal("0.605")},
        "total_energy": 10,
        "total_energy_cost": {"excl_vat": Decimal("2.5"), "incl_vat": Decimal("3.025")},
        "total_time": 1,
        "remark": "Stopped: Local",
        "last_updated": "2026-03-02T11:00:02Z",
    }
    CDR.model_validate(cdr)
    assert session["total_cost"] == cdr["total_cost"]
    assert session["charging_periods"] == cdr["charging_periods"]
    assert await placed.owed() == [f"de/msp:sessions/nl/cpo/{link.session_id}", f"de/msp:cdrs/nl/cpo/{link.cdr_id}"]


async def test_parking_is_a_period_of_its_own_and_has_its_price(house: House) -> None:
    await house.add_partner()
    components = [
        {"type": "ENERGY", "price": 0.25, "vat": 10, "step_size": 1},
        {"type": "TIME", "price": 1.20, "vat": 10, "step_size": 1},
        {"type": "PARKING_TIME", "price": 6, "vat": 20, "step_size": 60},
    ]
    await house.add_tariff(elements=[{"price_components": components}])
    await house.add_charger()
    await house.add_token()
    await end(house, states=(state(0, "Charging"), state(45, "SuspendedEV")), samples=(register(60, 11000),))
    cdr = await house.cdr()
    assert cdr["charging_periods"] == [
        {
            "start_date_time": "2026-03-02T10:00:00Z",
            "dimensions": [{"type": "ENERGY", "volume": 10}, {"type": "TIME", "volume": Decimal("0.75")}],
            "tariff_id": "TARIFF1",
        },
        {
            "start_date_time": "2026-03-02T10:45:00Z",
            "dimensions": [{"type": "PARKING_TIME", "volume": Decimal("0.25")}],
            "tariff_id": "TARIFF1",
        },
    ]
    # 10 kWh at 0.25, 45 minutes at 1.20 an hour, 15 minutes at 6.00 an hour
    assert cdr["total_cost"] == {"excl_vat": Decimal("4.90"), "incl_vat": Decimal("5.54")}
    assert (cdr["total_time"], cdr["total_parking_time"]) == (1, Decimal("0.25"))
    assert cdr["total_parking_cost"] == {"excl_vat": Decimal("1.5"), "incl_vat": Decimal("1.8")}


async def test_a_price_that_changes_on_the_way_begins_a_period(house: House) -> None:
    await house.add_partner()
    cheap = {"price_components": [{"type": "ENERGY", "price": 0.20, "step_size": 1}]}
    night = cheap | {"restrictions": {"start_time": "11:30", "end_time": "23:00"}}
    day = {"price_components": [{"type": "ENERGY", "price": 0.40, "step_size": 1}]}
    await house.add_tariff(elements=[night, day])
    await house.add_charger()
    await house.add_token()
    await end(house)
    cdr = await house.cdr()
    assert [period["start_date_time"] for period in cdr["charging_periods"]] == [
        "2026-03-02T10:00:00Z",
        "2026-03-02T10:30:00Z",  # 11:30 in Amsterdam
    ]
    assert cdr["total_cost"]["excl_vat"] == 3


async def test_without_a_tariff_it_is_free_and_said_so(house: House) -> None:
    await house.add_partner()
    await house.add_charger()
    await house.add_token()
    await end(house)
    cdr = await house.cdr()
    assert (cdr["total_cost"]["excl_vat"], cdr["currency"], cdr["total_energy"]) == (0, "EUR", 10)
    assert "tariffs" not in cdr
    assert "tariff_id" not in cdr["charging_periods"][0]


async def test_the_tariff_is_the_one_of_the_start(placed: House) -> None:
    await start(placed)
    await placed.add_tariff(elements=[{"price_components": [{"type": "FLAT", "price": 99, "step_size": 1}]}])
    await end(placed)
    assert (await placed.cdr())["total_cost"]["excl_vat"] == 3


@pytest.mark.parametrize(
    ("changes", "free"),
    [
        ({}, False),
        ({"type": "REGULAR"}, False),
        ({"type": "AD_HOC_PAYMENT"}, True),
        ({"start_date_time": "2026-03-02T10:00:00Z"}, False),
        ({"start_date_time": "2026-03-02T10:00:01Z"}, True),
        ({"end_date_time": "2026-03-02T10:00:00Z"}, True),
        ({"end_date_time": "2026-03-02T10:00:01Z"}, False),
    ],
)
async def test_a_tariff_counts_if_it_is_for_everybody_and_valid_at_the_start(
    house: House, changes: dict[str, str], free: bool
) -> None:
    await house.add_partner()
    await house.add_tariff(**changes)
    await house.add_charger()
    await end(house)
    assert ((await house.cdr())["total_cost"]["excl_vat"] == 0) is free


async def test_a_whole_charge_told_after_the_fact_is_a_session_and_a_cdr(placed: House) -> None:
    await end(placed)
    assert (await placed.session())["status"] == "COMPLETED"
    assert (await placed.cdr())["total_energy"] == 10


async def test_signed_meter_values_are_in_the_cdr(placed: House) -> None:
    signed = {"signedMeterData": "T0NNRg==", "encodingMethod": "OCMF", "publicKey": "MFkw", "signingMethod": "x"}
    last = Sample(
        START + timedelta(hours=1),
        "Energy.Active.Import.Register",
        Decimal(11000),
        "Wh",
        context="Transaction.End",
        signed=signed,
    )
    await end(placed, samples=(*SAMPLES, last))
    cdr = await placed.cdr()
    assert cdr["signed_data"]["signed_values"] == [{"nature": "End", "plain_data": "OCMF", "signed_data": "T0NNRg=="}]
    CDR.model_validate(cdr)


# --- who pays ---------------------------------------------------------------------------------------------------


async def test_an_own_card_has_its_session_and_cdr_and_nobody_is_owed_them(placed: House) -> None:
    await placed.add_card("0FF1CE")
    assert (await placed.authorize("0ff1ce")).accepted
    await start(placed, transaction("0FF1CE"))
    await end(placed, id_token=IdToken("0FF1CE"))
    cdr = await placed.cdr()
    assert cdr["cdr_token"] == {
        "country_code": "NL",
        "party_id": "CPO",
        "uid": "0FF1CE",
        "type": "RFID",
        "contract_id": "0FF1CE",
    }
    assert (await placed.link()).payer == "own"
    assert await placed.owed() == []


async def test_a_token_that_nobody_knows_is_kept_as_nobodys(placed: House) -> None:
    await end(placed, id_token=IdToken("DEADBEEF"))
    assert (await placed.link()).payer == "nobody"
    assert (await placed.cdr())["cdr_token"]["uid"] == "DEADBEEF"
    assert await placed.owed() == []


async def test_no_token_at_all_is_nobodys_too(placed: House) -> None:
    await end(placed, id_token=None)
    cdr = await placed.cdr()
    assert (cdr["cdr_token"]["uid"], cdr["cdr_token"]["contract_id"]) == ("#NA", "#NA")
    CDR.model_validate(cdr)


async def test_a_session_carries_what_was_authorized(house: House) -> None:
    await house.add_partner()
    await house.add_charger()
    await house.add_token(whitelist="ALWAYS", uid="AA")
    await house.authorize("AA")
    house.tick(minutes=3)
    await start(house, transaction("AA", started_at=house.now))
    link = await house.link()
    assert (link.payer, link.authorized, link.auth_method) == ("partner", True, "WHITELIST")


async def test_a_refused_token_pays_nothing(placed: House) -> None:
    await placed.add_token("BADBAD", whitelist="ALWAYS", valid=False)
    assert not (await placed.authorize("BADBAD")).accepted
    await start(placed, transaction("BADBAD"))
    await end(placed, id_token=IdToken("BADBAD"), energy_wh=Decimal(12), samples=())
    link = await placed.link()
    assert (link.refused, link.status, link.cdr_id) == (True, None, None)
    assert await placed.rows(KeptCdr) == []
    assert await placed.owed() == []


async def test_a_refusal_that_comes_after_the_start_makes_the_session_invalid(placed: House) -> None:
    await placed.add_token("LATE", whitelist="ALWAYS")
    await start(placed, transaction("LATE"))
    await placed.add_token("LATE", whitelist="ALWAYS", valid=False)
    assert not (await placed.authorize("LATE")).accepted
    await end(placed, id_token=IdToken("LATE"))
    assert (await placed.session())["status"] == "INVALID"
    assert (await placed.link()).cdr_id is None


async def test_a_refusal_in_the_middle_of_an_authorized_session_changes_nothing(placed: House) -> None:
    assert (await placed.authorize()).accepted
    await start(placed)
    await placed.add_token(valid=False, whitelist="ALWAYS")
    assert not (await placed.authorize()).accepted
    await end(placed)
    assert (await placed.session())["status"] == "COMPLETED"
    assert (await placed.link()).cdr_id is not None


# --- what cannot be trusted, and what comes late ------------------------------------------------------------------


async def test_a_suspect_transaction_has_no_cdr_and_is_visible(placed: House) -> None:
    await end(placed, suspect=True, flags=("no_start",))
    link = await placed.link()
    assert (link.suspect, link.status, link.cdr_id) == (True, None, None)
    assert await placed.rows(KeptCdr) == []


async def test_a_session_that_turns_out_suspect_is_invalid(placed: House) -> None:
    await start(placed)
    await end(placed, suspect=True, flags=("clock",))
    assert (await placed.session())["status"] == "INVALID"
    assert await placed.rows(KeptCdr) == []


async def test_a_correction_is_a_credit_and_a_new_cdr(placed: House) -> None:
    await end(placed)
    before, link = await placed.cdr(), await placed.link()
    await placed.settle()
    await correct(placed, energy_wh=Decimal(12_000), samples=(register(60, 13000),))
    credit = await placed.document(CDRS, f"{before['id']}-C")
    changed = {"id", "credit", "credit_reference_id", "total_cost", "last_updated"}
    assert {name for name in credit if credit.get(name) != before.get(name)} == changed
    assert (credit["credit"], credit["credit_reference_id"]) == (True, before["id"])
    assert credit["total_cost"] == {"excl_vat": -3, "incl_vat": Decimal("-3.63")}
    new = await placed.cdr()
    assert (new["id"], new["total_energy"]) == (f"{before['id']}-2", 12)
    assert new["total_cost"] == {"excl_vat": Decimal("3.5"), "incl_vat": Decimal("4.235")}
    assert "credit" not in new
    assert await placed.document(CDRS, before["id"]) == before
    assert (await placed.session())["kwh"] == 10  # COMPLETED: "No more modifications will be made"
    lanes = [f"de/msp:cdrs/nl/cpo/{cdr['id'].lower()}" for cdr in (credit, new)]
    assert await placed.owed() == lanes
    for cdr in (credit, new):
        CDR.model_validate(cdr)
    assert (await placed.link()).session_id == link.session_id


async def test_a_correction_that_says_the_same_corrects_nothing(placed: House) -> None:
    await end(placed)
    await correct(placed)
    await end(placed)
    assert len(await placed.rows(KeptCdr)) == 1
    assert (await placed.link()).cdr_number == 1


async def test_the_second_correction_credits_the_second_cdr(placed: House) -> None:
    await end(placed)
    for energy in (12_000, 13_000):
        await correct(placed, energy_wh=Decimal(energy), samples=())
    ids = [row.object_id for row in await placed.rows(KeptCdr, col(KeptCdr.pk))]
    first = ids[0]
    assert ids == [first, f"{first}-C", f"{first}-2", f"{first}-2-C", f"{first}-3"]


async def test_a_correction_that_clears_a_suspicion_makes_the_cdr(placed: House) -> None:
    await end(placed, suspect=True, flags=("no_start",))
    await correct(placed)
    assert (await placed.session())["status"] == "COMPLETED"
    assert (await placed.cdr())["total_energy"] == 10


async def test_a_correction_that_cannot_be_trusted_changes_no_money(placed: House) -> None:
    await end(placed)
    await correct(placed, suspect=True, energy_wh=Decimal(99_000))
    assert len(await placed.rows(KeptCdr)) == 1


async def test_a_charger_without_a_place_has_no_session(house: House) -> None:
    await house.add_charger(location=None, evses=[])
    await start(house)
    await update(house, energy_wh=Decimal(10))
    await end(house)
    [link] = await house.rows(SessionLink)
    assert (link.session_id, link.cdr_id, link.ended_at) == (None, None, START + timedelta(hours=1))
    assert await house.rows(KeptSession) == []


async def test_a_charger_that_is_not_placed_at_all_is_let_pass(house: House) -> None:
    await end(house)
    assert await house.rows(SessionLink) == []


@pytest.mark.parametrize(("energy_wh", "kwh"), [(None, 0), (Decimal(-5), 0), (Decimal("1234.56"), Decimal("1.2346"))])
async def test_energy_that_is_missing_or_odd_is_still_a_cdr(placed: House, energy_wh: Any, kwh: Any) -> None:
    await end(placed, energy_wh=energy_wh, samples=())
    assert (await placed.cdr())["total_energy"] == kwh
    assert (await placed.session())["kwh"] == kwh


async def test_a_session_of_no_length_and_one_that_ends_before_it_starts(placed: House) -> None:
    await end(placed, ended_at=START - timedelta(minutes=5), samples=())
    cdr = await placed.cdr()
    assert cdr["total_energy"] == 10
    assert cdr["end_date_time"] == "2026-03-02T10:00:00.001Z"
    CDR.model_validate(cdr)


async def test_other_operators_have_their_own_sessions(house: House) -> None:
    other = type(CPO)("BE", "OPR")
    await house.add_partner()
    await house.add_charger(party=other)
    await house.add_token()
    await start(house)
    link = await house.link()
    assert (await house.document(SESSIONS, str(link.session_id), other))["party_id"] == "OPR"
