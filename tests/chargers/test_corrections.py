"""What cannot be trusted has no CDR, and what comes late is a Credit CDR and a new one."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import col

from ocpi_hub.chargers.tables import SessionLink
from ocpi_hub.objects.kinds import CDRS, SESSIONS
from ocpi_hub.objects.tables import KeptCdr, KeptSession
from ocpi_hub.wire.cdrs import CDR
from ocpi_hub.wire.headers import PartyId
from tests.chargers.charging import correct, end, start, update
from tests.chargers.house import START, House, register


async def test_a_suspect_transaction_has_no_cdr_and_is_visible(charging: House) -> None:
    await end(charging, suspect=True, flags=("no_start",))
    link = await charging.link()
    assert (link.suspect, link.status, link.cdr_id) == (True, None, None)
    assert await charging.rows(KeptCdr) == []


async def test_a_session_that_turns_out_suspect_is_invalid(charging: House) -> None:
    await start(charging)
    await end(charging, suspect=True, flags=("clock",))
    assert (await charging.session())["status"] == "INVALID"
    assert await charging.rows(KeptCdr) == []


async def test_a_correction_is_a_credit_and_a_new_cdr(charging: House) -> None:
    await end(charging)
    before, link = await charging.cdr(), await charging.link()
    await charging.settle()
    await correct(charging, energy_wh=Decimal(12_000), samples=(register(60, 13000),))
    credit = await charging.document(CDRS, f"{before['id']}-C")
    changed = {"id", "credit", "credit_reference_id", "total_cost", "last_updated"}
    assert {name for name in credit if credit.get(name) != before.get(name)} == changed
    assert (credit["credit"], credit["credit_reference_id"]) == (True, before["id"])
    assert credit["total_cost"] == {"excl_vat": -3, "incl_vat": Decimal("-3.63")}
    new = await charging.cdr()
    assert (new["id"], new["total_energy"]) == (f"{before['id']}-2", 12)
    assert new["total_cost"] == {"excl_vat": Decimal("3.5"), "incl_vat": Decimal("4.235")}
    assert "credit" not in new
    assert await charging.document(CDRS, before["id"]) == before
    assert (await charging.session())["kwh"] == 10  # COMPLETED: "No more modifications will be made"
    lanes = [f"de/msp:cdrs/nl/cpo/{cdr['id'].lower()}" for cdr in (credit, new)]
    assert await charging.owed() == lanes
    for cdr in (credit, new):
        CDR.model_validate(cdr)
    assert (await charging.link()).session_id == link.session_id


async def test_a_correction_that_says_the_same_corrects_nothing(charging: House) -> None:
    await end(charging)
    await correct(charging)
    await end(charging)
    assert len(await charging.rows(KeptCdr)) == 1
    assert (await charging.link()).cdr_number == 1


async def test_the_second_correction_credits_the_second_cdr(charging: House) -> None:
    await end(charging)
    for energy in (12_000, 13_000):
        await correct(charging, energy_wh=Decimal(energy), samples=())
    ids = [row.object_id for row in await charging.rows(KeptCdr, col(KeptCdr.pk))]
    first = ids[0]
    assert ids == [first, f"{first}-C", f"{first}-2", f"{first}-2-C", f"{first}-3"]


async def test_a_correction_that_clears_a_suspicion_makes_the_cdr(charging: House) -> None:
    await end(charging, suspect=True, flags=("no_start",))
    await correct(charging)
    assert (await charging.session())["status"] == "COMPLETED"
    assert (await charging.cdr())["total_energy"] == 10


async def test_a_correction_that_cannot_be_trusted_changes_no_money(charging: House) -> None:
    await end(charging)
    await correct(charging, suspect=True, energy_wh=Decimal(99_000))
    assert len(await charging.rows(KeptCdr)) == 1


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
async def test_energy_that_is_missing_or_odd_is_still_a_cdr(charging: House, energy_wh: Any, kwh: Any) -> None:
    await end(charging, energy_wh=energy_wh, samples=())
    assert (await charging.cdr())["total_energy"] == kwh
    assert (await charging.session())["kwh"] == kwh


async def test_a_session_of_no_length_and_one_that_ends_before_it_starts(charging: House) -> None:
    await end(charging, ended_at=START - timedelta(minutes=5), samples=())
    cdr = await charging.cdr()
    assert cdr["total_energy"] == 10
    assert cdr["end_date_time"] == "2026-03-02T10:00:00.001Z"
    CDR.model_validate(cdr)


async def test_other_operators_have_their_own_sessions(house: House) -> None:
    other = PartyId("BE", "OPR")
    await house.add_partner()
    await house.add_charger(party=other)
    await house.add_token()
    await start(house)
    link = await house.link()
    assert (await house.document(SESSIONS, str(link.session_id), other))["party_id"] == "OPR"
