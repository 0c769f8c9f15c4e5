"""RESERVE_NOW and CANCEL_RESERVATION: whose a reservation is, and what the charger is asked."""

from datetime import timedelta
from typing import Any

import pytest

from bridge_ocpp import port
from bridge_ocpp.port import IdToken, TransactionStarted
from ocpi_hub.chargers.mapping import id_token_of
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from tests.chargers.commanding import APP, OTHER, URL, command, results, rows, work
from tests.chargers.house import EMSP, START, House, transaction
from tests.world import objects


async def ask_to_reserve(house: House, *, sender: PartyId = EMSP, **body: Any) -> Any:
    owner = (sender.country_code, sender.party_id)
    plain = {
        "token": objects.token(APP, owner=owner, type="APP_USER"),
        "expiry_date": "2026-03-02T12:00:00Z",
        "reservation_id": "R-1",
        "location_id": "LOC1",
        "evse_uid": "EVSE2",
        "authorization_reference": "REF-R",
    }
    return await command(house, "RESERVE_NOW", sender=sender, **(plain | body))


async def test_a_reservation_has_a_number_of_ours_and_its_update_keeps_it(placed: House) -> None:
    assert (await ask_to_reserve(placed))["result"] == "ACCEPTED"
    assert (await ask_to_reserve(placed, reservation_id="r-1", expiry_date="2026-03-02T13:00:00Z"))[
        "result"
    ] == "ACCEPTED"
    assert (await ask_to_reserve(placed, sender=OTHER))["result"] == "ACCEPTED"
    await work(placed)
    first, second, foreign = (asked for _, asked, _ in placed.bridge.asked)
    assert isinstance(first, port.ReserveNow)
    assert isinstance(second, port.ReserveNow)
    assert isinstance(foreign, port.ReserveNow)
    assert first.reservation_id == second.reservation_id != foreign.reservation_id
    assert (first.evse_id, first.expires_at) == (2, START + timedelta(hours=2))
    assert second.expires_at == START + timedelta(hours=3)
    assert first.id_token == IdToken(id_token_of(APP), "Central")


async def test_only_ones_own_reservation_can_be_cancelled(placed: House) -> None:
    await ask_to_reserve(placed)
    await work(placed)
    assert (await command(placed, "CANCEL_RESERVATION", sender=OTHER, reservation_id="R-1"))["result"] == "REJECTED"
    assert (await command(placed, "CANCEL_RESERVATION", reservation_id="R-9"))["result"] == "REJECTED"
    assert (await command(placed, "CANCEL_RESERVATION", reservation_id="r-1"))["result"] == "ACCEPTED"
    await work(placed)
    reserved, cancelled = (asked for _, asked, _ in placed.bridge.asked)
    assert isinstance(reserved, port.ReserveNow)
    assert cancelled == port.CancelReservation(reserved.reservation_id)


async def test_a_reservation_in_the_past_is_refused(placed: House) -> None:
    with pytest.raises(InvalidParameters, match="expiry_date"):
        await ask_to_reserve(placed, expiry_date="2026-03-02T10:00:00Z")


async def test_a_reserved_app_token_is_authorized_until_the_reservation_ends(placed: House) -> None:
    await ask_to_reserve(placed)
    placed.tick(minutes=119)
    assert (await placed.authorize(id_token_of(APP))).accepted
    placed.tick(minutes=1)
    assert not (await placed.authorize(id_token_of(APP))).accepted


async def test_a_session_that_uses_a_reservation_is_its_partners(placed: House) -> None:
    await ask_to_reserve(placed)
    [row] = await rows(placed)
    found = transaction(id_token_of(APP), evse_id=2, reservation_id=row.reservation_number)
    await placed.hear(TransactionStarted("BOX-1", placed.now, found))
    session = await placed.session()
    assert (session["auth_method"], session["authorization_reference"]) == ("COMMAND", "REF-R")


async def test_a_reservation_that_the_charger_gives_up_is_told_to_the_same_url(placed: House) -> None:
    await ask_to_reserve(placed)
    await work(placed)
    await placed.settle()
    [row] = await rows(placed)
    assert row.reservation_number is not None
    await placed.hear(port.ReservationChanged("BOX-1", placed.now, row.reservation_number, "Removed"))
    [(url, result)] = await results(placed)
    assert (url, result["result"]) == (URL, "CANCELED_RESERVATION")
    placed.tick(minutes=15)
    assert not (await placed.authorize(id_token_of(APP))).accepted


@pytest.mark.parametrize("status", ["Expired", "Removed"])
async def test_a_reservation_that_ends_as_agreed_is_told_to_nobody(placed: House, status: str) -> None:
    await ask_to_reserve(placed)
    await work(placed)
    [row] = await rows(placed)
    assert row.reservation_number is not None
    if status == "Removed":
        await command(placed, "CANCEL_RESERVATION", reservation_id="R-1")
    await placed.settle()
    await placed.hear(port.ReservationChanged("BOX-1", placed.now, row.reservation_number, status))
    await placed.hear(port.ReservationChanged("BOX-1", placed.now, 12345, status))
    assert await results(placed) == []
