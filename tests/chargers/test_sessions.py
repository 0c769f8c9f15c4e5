"""J4, the middle of it: transactions become Sessions and CDRs, told while they run and sealed at their end."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bridge_ocpp.port import ChargingState, IdToken, Sample
from ocpi_hub.objects.tables import KeptSession
from ocpi_hub.wire.cdrs import CDR
from ocpi_hub.wire.sessions import Session
from tests.chargers.charging import SAMPLES, end, start, update
from tests.chargers.house import CARD, START, House, register, state, transaction
from tests.world import objects

# --- running ----------------------------------------------------------------------------------------------------


async def test_a_session_begins_active_and_is_owed_to_the_tokens_owner(charging: House) -> None:
    await start(charging)
    session = await charging.session()
    link = await charging.link()
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
    assert await charging.owed() == [f"de/msp:sessions/nl/cpo/{link.session_id}"]
    [kept] = await charging.rows(KeptSession)
    assert kept.reader_key == "de/msp"


async def test_a_running_session_is_told_now_and_then(charging: House) -> None:
    await start(charging)
    charging.tick(seconds=59)
    await update(charging, energy_wh=Decimal(500))
    assert (await charging.session())["kwh"] == 0
    charging.tick(seconds=1)
    await update(charging, energy_wh=Decimal(510), samples=(register(0, 1000), register(1, 1510)))
    session = await charging.session()
    assert (session["kwh"], session["last_updated"]) == (Decimal("0.51"), "2026-03-02T10:01:00Z")
    assert session["total_cost"]["excl_vat"] == Decimal("0.6275")
    assert "end_date_time" not in session


async def test_another_charging_state_is_told_at_once(charging: House) -> None:
    await start(charging, transaction(charging_state=ChargingState.CHARGING))
    charging.tick(seconds=5)
    await update(charging, energy_wh=Decimal(40), charging_state=ChargingState.SUSPENDED_EV)
    assert (await charging.session())["kwh"] == Decimal("0.04")


async def test_a_session_waits_for_its_token(charging: House) -> None:
    await start(charging, transaction(None))
    assert (await charging.link()).status is None
    charging.tick(seconds=5)
    await update(charging, id_token=IdToken(CARD))
    assert (await charging.session())["cdr_token"] == objects.cdr_token()


async def test_a_start_that_is_told_twice_is_one_session(charging: House) -> None:
    await start(charging)
    await start(charging)
    assert len(await charging.rows(KeptSession)) == 1


# --- the end ----------------------------------------------------------------------------------------------------


async def test_the_end_is_a_completed_session_and_a_cdr_in_one_transaction(charging: House) -> None:
    await start(charging)
    await charging.settle()
    await end(charging)
    session, cdr, link = await charging.session(), await charging.cdr(), await charging.link()
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
    assert await charging.owed() == [f"de/msp:sessions/nl/cpo/{link.session_id}", f"de/msp:cdrs/nl/cpo/{link.cdr_id}"]


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


async def test_the_tariff_is_the_one_of_the_start(charging: House) -> None:
    await start(charging)
    await charging.add_tariff(elements=[{"price_components": [{"type": "FLAT", "price": 99, "step_size": 1}]}])
    await end(charging)
    assert (await charging.cdr())["total_cost"]["excl_vat"] == 3


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


async def test_a_whole_charge_told_after_the_fact_is_a_session_and_a_cdr(charging: House) -> None:
    await end(charging)
    assert (await charging.session())["status"] == "COMPLETED"
    assert (await charging.cdr())["total_energy"] == 10


async def test_signed_meter_values_are_in_the_cdr(charging: House) -> None:
    signed = {"signedMeterData": "T0NNRg==", "encodingMethod": "OCMF", "publicKey": "MFkw", "signingMethod": "x"}
    last = Sample(
        START + timedelta(hours=1),
        "Energy.Active.Import.Register",
        Decimal(11000),
        "Wh",
        context="Transaction.End",
        signed=signed,
    )
    await end(charging, samples=(*SAMPLES, last))
    cdr = await charging.cdr()
    assert cdr["signed_data"]["signed_values"] == [{"nature": "End", "plain_data": "OCMF", "signed_data": "T0NNRg=="}]
    CDR.model_validate(cdr)
