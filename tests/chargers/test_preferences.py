"""Several tariffs at one connector: chosen by how the session starts and by what its driver prefers on the way."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp.port import IdToken, Preference
from ocpi_hub.admin.ledger import transaction_document
from ocpi_hub.chargers import placing, preferences
from ocpi_hub.pricing import audit, price
from ocpi_hub.wire.cdrs import CDR
from ocpi_hub.wire.errors import NotFound
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.sessions import ChargingPreferences
from tests.chargers.charging import SAMPLES, STATES, end, start, update
from tests.chargers.house import CPO, EMSP, START, House, register, transaction

TWO = PartyId("FR", "TWO")
ALL = ["REGULAR", "ADHOC", "CHEAP", "FAST"]
CAPABLE = "CHARGING_PREFERENCES_CAPABLE"


def kwh(cents: int) -> list[dict[str, Any]]:
    return [{"price_components": [{"type": "ENERGY", "price": Decimal(cents) / 100, "step_size": 1}]}]


async def offer(house: House, *names: str) -> None:
    """REGULAR 0.40, ADHOC 0.60, CHEAP 0.20, FAST 0.80, GREEN 0.30 per kWh."""
    prices = {"REGULAR": 40, "ADHOC": 60, "CHEAP": 20, "FAST": 80, "GREEN": 30}
    types = {"REGULAR": "REGULAR", "ADHOC": "AD_HOC_PAYMENT"}
    for name in names:
        of_type = types.get(name, f"PROFILE_{name}")
        await house.add_tariff(name, type=of_type, elements=kwh(prices[name]))


@pytest.fixture
async def choosing(house: House) -> House:
    await house.add_partner()
    await offer(house, *ALL)
    await house.add_charger(tariff_ids=ALL)
    await house.add_token()
    await house.settle()
    return house


async def wish(
    house: House, profile: str = "FAST", *, by: PartyId = EMSP, to: PartyId | None = CPO, **more: Any
) -> str:
    link = await house.link()
    asked = preferences.Wish(
        session_id=str(link.session_id).upper(),
        preferences=ChargingPreferences.model_validate({"profile_type": profile} | more),
        from_party=by,
        to_party=to,
    )
    async with house.resources.unit_of_work() as db:
        return str(await preferences.wish(house.resources, asked, db))


async def charge_until(house: House, minutes: float, wh: int) -> None:
    house.now = START + timedelta(minutes=minutes)
    samples = (register(0, 1000), register(minutes, 1000 + wh))
    await update(house, energy_wh=Decimal(wh), samples=samples)


def when(hours: float) -> str:
    return (START + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def prices(cdr: Any) -> list[tuple[str, Decimal]]:
    """(tariff, kWh) of each period."""
    return [
        (period["tariff_id"], next(d["volume"] for d in period["dimensions"] if d["type"] == "ENERGY"))
        for period in cdr["charging_periods"]
    ]


# --- how it starts -------------------------------------------------------------------------------------------------


async def test_a_card_starts_by_the_regular_tariff_wherever_it_stands(choosing: House) -> None:
    async with choosing.resources.unit_of_work() as db:
        await placing.change(choosing.resources, "BOX-1", db, tariff_ids=["CHEAP", "ADHOC", "REGULAR"])
    await start(choosing)
    await end(choosing)
    cdr = await choosing.cdr()
    assert [tariff["id"] for tariff in cdr["tariffs"]] == ["REGULAR"]
    assert cdr["total_cost"]["excl_vat"] == Decimal("4")


@pytest.mark.parametrize(("offered", "paid"), [(ALL, "6"), (["CHEAP", "REGULAR"], "4")])
async def test_an_ad_hoc_user_pays_by_the_ad_hoc_tariff_or_as_everybody(
    choosing: House, offered: list[str], paid: str
) -> None:
    async with choosing.resources.unit_of_work() as db:
        await placing.change(choosing.resources, "BOX-1", db, tariff_ids=offered)
    await choosing.add_token("ADHOC-1", type="AD_HOC_USER", whitelist="ALWAYS")
    assert (await choosing.authorize("ADHOC-1")).accepted
    await start(choosing, transaction("ADHOC-1"))
    await end(choosing, id_token=IdToken("ADHOC-1"))
    assert (await choosing.cdr())["total_cost"]["excl_vat"] == Decimal(paid)


async def test_a_token_that_comes_late_brings_its_tariff(choosing: House) -> None:
    await choosing.add_token("ADHOC-1", type="AD_HOC_USER", whitelist="ALWAYS")
    await start(choosing, transaction(None))
    await update(choosing, id_token=IdToken("ADHOC-1"))
    await end(choosing, id_token=IdToken("ADHOC-1"))
    assert (await choosing.cdr())["total_cost"]["excl_vat"] == Decimal("6")


async def test_a_tariff_that_is_not_valid_yet_or_any_more_is_no_choice(choosing: House) -> None:
    await choosing.add_tariff("REGULAR", type="REGULAR", elements=kwh(40), end_date_time=when(-1))
    await choosing.add_tariff("NEW", type="REGULAR", elements=kwh(50), start_date_time=when(-1))
    await choosing.add_tariff("FAST", type="PROFILE_FAST", elements=kwh(80), start_date_time=when(0.25))
    async with choosing.resources.unit_of_work() as db:
        await placing.change(choosing.resources, "BOX-1", db, tariff_ids=["REGULAR", "NEW", "FAST", "CHEAP"])
    await start(choosing)
    await charge_until(choosing, 30, 5000)
    assert await wish(choosing, "FAST") == "PROFILE_TYPE_NOT_SUPPORTED", "it was not valid when the session started"
    await end(choosing)
    assert (await choosing.cdr())["total_cost"]["excl_vat"] == Decimal("5")


# --- what the driver prefers ---------------------------------------------------------------------------------------


async def test_a_profile_prices_from_then_on(choosing: House) -> None:
    await start(choosing)
    await charge_until(choosing, 30, 5000)
    assert await wish(choosing, "FAST") == "ACCEPTED"
    assert (await choosing.session())["total_cost"]["excl_vat"] == Decimal("2")
    await end(choosing)
    cdr = await choosing.cdr()
    assert prices(cdr) == [("REGULAR", Decimal(5)), ("FAST", Decimal(5))]
    assert cdr["charging_periods"][1]["start_date_time"] == "2026-03-02T10:30:00Z"
    assert [tariff["id"] for tariff in cdr["tariffs"]] == ["REGULAR", "FAST"]
    assert cdr["total_cost"]["excl_vat"] == Decimal("6")
    CDR.model_validate(cdr)
    assert (await choosing.session())["total_cost"] == cdr["total_cost"]
    assert price(cdr["tariffs"], cdr, time_zone="Europe/Amsterdam").total_cost.excl_vat == Decimal("6")
    assert [f.code for f in audit(cdr, time_zone="Europe/Amsterdam", now=choosing.now).findings] == []


async def test_the_session_is_told_when_its_tariff_changes(choosing: House) -> None:
    await start(choosing)
    await charge_until(choosing, 30, 5000)
    await choosing.settle()
    choosing.tick(seconds=5)
    await wish(choosing, "FAST")
    assert await choosing.owed() == [f"de/msp:sessions/nl/cpo/{(await choosing.link()).session_id}"]


async def test_a_profile_before_anything_was_charged_prices_all_of_it(choosing: House) -> None:
    await start(choosing)
    choosing.tick(seconds=40)
    await update(choosing)
    assert await wish(choosing, "FAST") == "ACCEPTED"
    await end(choosing)
    cdr = await choosing.cdr()
    assert prices(cdr) == [("FAST", Decimal(10))]
    assert [tariff["id"] for tariff in cdr["tariffs"]] == ["FAST"]


async def test_there_and_back_again(choosing: House) -> None:
    """Three stretches, two tariffs; the regular one as it was sealed at the start, whatever became of it since."""
    await start(choosing)
    await charge_until(choosing, 15, 2500)
    assert await wish(choosing, "FAST") == "ACCEPTED"
    await choosing.add_tariff("REGULAR", type="REGULAR", elements=kwh(99))
    await charge_until(choosing, 30, 5000)
    assert await wish(choosing, "FAST") == "ACCEPTED", "again the same changes nothing"
    assert await wish(choosing, "REGULAR") == "ACCEPTED"
    await end(choosing)
    cdr = await choosing.cdr()
    quarter, half = Decimal("2.5"), Decimal(5)
    assert prices(cdr) == [("REGULAR", quarter), ("FAST", quarter), ("REGULAR", half)]
    assert [tariff["id"] for tariff in cdr["tariffs"]] == ["REGULAR", "FAST"]
    assert cdr["total_cost"]["excl_vat"] == Decimal("5")


async def test_energy_and_duration_count_from_the_start_and_the_start_fee_is_paid_once(house: House) -> None:
    await house.add_partner()
    fee = {"type": "FLAT", "price": 1, "step_size": 1}
    energy = [{"price_components": [{"type": "ENERGY", "price": price_, "step_size": 1}]} for price_ in (0.5, 0.25)]
    energy[0]["restrictions"] = {"max_kwh": 8}
    await house.add_tariff("REGULAR", type="REGULAR", elements=[{"price_components": [fee]}, *kwh(40)])
    await house.add_tariff("FAST", type="PROFILE_FAST", elements=[{"price_components": [fee]}, *energy])
    await house.add_charger(tariff_ids=["REGULAR", "FAST"])
    await house.add_token()
    await start(house)
    await charge_until(house, 30, 5000)
    assert await wish(house, "FAST") == "ACCEPTED"
    await end(house)
    cdr = await house.cdr()
    assert prices(cdr) == [("REGULAR", Decimal(5)), ("FAST", Decimal(3)), ("FAST", Decimal(2))]
    assert cdr["total_cost"]["excl_vat"] == Decimal("1") + Decimal("2") + Decimal("1.5") + Decimal("0.5")


async def test_a_session_that_began_free_says_so_in_its_cdr(house: House) -> None:
    await house.add_partner()
    await offer(house, "FAST")
    await house.add_charger(tariff_ids=["FAST"])
    await house.add_token()
    await start(house)
    await charge_until(house, 30, 5000)
    assert await wish(house, "FAST") == "ACCEPTED"
    await end(house)
    cdr = await house.cdr()
    assert prices(cdr) == [("free", Decimal(5)), ("FAST", Decimal(5))]
    assert cdr["total_cost"]["excl_vat"] == Decimal("4")
    CDR.model_validate(cdr)


# --- the answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"profile": "FAST"}, "ACCEPTED"),
        ({"profile": "REGULAR"}, "ACCEPTED"),
        ({"profile": "GREEN"}, "PROFILE_TYPE_NOT_SUPPORTED"),
        ({"profile": "CHEAP"}, "DEPARTURE_REQUIRED"),
        ({"profile": "CHEAP", "departure_time": when(8)}, "ENERGY_NEED_REQUIRED"),
        ({"profile": "CHEAP", "departure_time": when(8), "energy_need": 40}, "ACCEPTED"),
        ({"profile": "CHEAP", "departure_time": when(-1), "energy_need": 4}, "NOT_POSSIBLE"),
        # 3 x 230 V x 32 A is 22.08 kW; half an hour is left, and 5 kWh are charged already.
        ({"profile": "FAST", "departure_time": when(1), "energy_need": 16}, "ACCEPTED"),
        ({"profile": "FAST", "departure_time": when(1), "energy_need": 16.1}, "NOT_POSSIBLE"),
        ({"profile": "FAST", "energy_need": 1000}, "ACCEPTED"),
    ],
)
async def test_the_answers_are_those_of_the_specification(choosing: House, asked: Any, answer: str) -> None:
    await start(choosing)
    await charge_until(choosing, 30, 5000)
    before = await choosing.link()
    assert await wish(choosing, **asked) == answer
    link = await choosing.link()
    assert (link.preferences is not None) is (answer == "ACCEPTED")
    if answer != "ACCEPTED":
        assert link == before


@pytest.mark.parametrize(
    ("asked", "preferred"),
    [
        ({"profile": "FAST", "discharge_allowed": True}, Preference(fast=True)),
        (
            {"profile": "CHEAP", "departure_time": when(8), "energy_need": Decimal("40.5")},
            Preference(START + timedelta(hours=8), Decimal(40500)),
        ),
        ({"profile": "REGULAR", "energy_need": 7}, Preference(None, Decimal(7000))),
    ],
)
async def test_what_is_accepted_counts_at_the_site(choosing: House, asked: Any, preferred: Preference) -> None:
    await start(choosing)
    await charge_until(choosing, 30, 5000)
    assert await wish(choosing, **asked) == "ACCEPTED"
    assert choosing.bridge.preferred == {"T1": preferred}


async def test_what_the_site_can_never_give_is_not_possible(choosing: House) -> None:
    await start(choosing)
    await charge_until(choosing, 30, 5000)
    choosing.bridge.site_w = Decimal(11040)
    assert await wish(choosing, "FAST", departure_time=when(1), energy_need=11) == "NOT_POSSIBLE"
    assert choosing.bridge.preferred == {}
    assert await wish(choosing, "FAST", departure_time=when(1), energy_need=10) == "ACCEPTED"


async def test_the_operator_sees_what_was_asked_for(choosing: House) -> None:
    await start(choosing)
    await charge_until(choosing, 30, 5000)
    shown = transaction_document(transaction(), {"T1": await choosing.link()})
    assert (shown["tariff_ids"], shown["charging_preferences"]) == (["REGULAR"], None)
    await wish(choosing, "CHEAP", departure_time=when(8), energy_need=40)
    shown = transaction_document(transaction(), {"T1": await choosing.link()})
    assert shown["tariff_ids"] == ["REGULAR", "CHEAP"]
    asked = shown["charging_preferences"]
    assert (asked["profile_type"], asked["energy_need"], asked["departure_time"]) == ("CHEAP", 40, when(8))


async def test_another_currency_is_no_choice(choosing: House) -> None:
    await choosing.add_tariff("FAST", type="PROFILE_FAST", elements=kwh(80), currency="SEK")
    await start(choosing)
    await charge_until(choosing, 30, 5000)
    assert await wish(choosing, "FAST") == "PROFILE_TYPE_NOT_SUPPORTED"


async def test_only_the_session_of_ones_own_customer(choosing: House) -> None:
    await start(choosing)
    await charge_until(choosing, 30, 5000)
    for stranger in ({"by": TWO}, {"to": PartyId("NL", "OTH")}):
        with pytest.raises(NotFound) as found:
            await wish(choosing, **stranger)
        assert (found.value.http_status, found.value.status_code) == (404, 2001)
    assert await wish(choosing, to=None) == "ACCEPTED"


async def test_an_evse_without_profiles_takes_no_preferences(charging: House) -> None:
    await start(charging)
    await charge_until(charging, 30, 5000)
    with pytest.raises(NotFound) as found:
        await wish(charging, "REGULAR")
    assert (found.value.http_status, found.value.status_code) == (404, 2001)


async def test_what_is_over_cannot_be_changed(choosing: House) -> None:
    await start(choosing)
    await end(choosing, samples=SAMPLES, states=STATES)
    assert await wish(choosing, "FAST") == "NOT_POSSIBLE"
    assert prices(await choosing.cdr()) == [("REGULAR", Decimal(10))]


# --- the capability -------------------------------------------------------------------------------------------------


async def test_evses_say_whether_there_is_a_choice(house: House) -> None:
    await offer(house, "REGULAR", "CHEAP")
    await house.add_charger(
        tariff_ids=["REGULAR"], evses=[{"uid": "A"}, {"uid": "B", "connectors": [{"tariff_ids": ["CHEAP"]}]}]
    )
    assert CAPABLE not in (await house.evse("A"))["capabilities"]
    assert CAPABLE in (await house.evse("B"))["capabilities"]
    async with house.resources.unit_of_work() as db:
        await placing.change(house.resources, "BOX-1", db, tariff_ids=["REGULAR", "CHEAP"])
    assert CAPABLE in (await house.evse("A"))["capabilities"]
    house.tick(seconds=1)
    await house.add_tariff("CHEAP", type=None, elements=kwh(20))
    for uid in ("A", "B"):
        assert CAPABLE not in (await house.evse(uid))["capabilities"]
    house.tick(seconds=1)
    await offer(house, "CHEAP")
    assert (await house.evse("A"))["capabilities"].count(CAPABLE) == 1


async def test_a_tariff_that_comes_after_its_charger_counts(house: House) -> None:
    await house.add_charger(tariff_ids=["FAST"])
    assert CAPABLE not in (await house.evse())["capabilities"]
    await offer(house, "FAST")
    assert CAPABLE in (await house.evse())["capabilities"]
