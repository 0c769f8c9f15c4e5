"""Our own chargers and agreements: to a party that may not talk with ours, they and its cards do not exist."""

from typing import Any

import pytest

from bridge_ocpp.port import TransactionStarted
from ocpi_hub.chargers.tables import SessionLink
from ocpi_hub.partners import agreements
from ocpi_hub.partners.agreements import Given
from ocpi_hub.partners.directory import Directory
from ocpi_hub.wire.errors import UnknownLocation
from tests.chargers.commanding import command, running, start_session
from tests.chargers.house import House, transaction


async def forbid(house: House, *modules: str) -> None:
    given = Given(parties=("NL/CPO", "DE/MSP"), modules=modules or None, allowed=False)
    async with house.resources.unit_of_work() as db:
        await agreements.put(db, house.resources, "one", given)
        house.resources.one(Directory).changed(db)


async def test_a_card_of_such_an_emsp_is_unknown_however_it_is_whitelisted(charging: House) -> None:
    assert (await charging.authorize()).status == "Accepted"
    await forbid(charging, "tokens")
    assert (await charging.authorize()).status == "Unknown"


async def test_a_session_that_began_offline_with_such_a_card_is_nobodys(charging: House) -> None:
    await forbid(charging, "tokens")
    await charging.hear(TransactionStarted("BOX-1", charging.now, transaction()))
    [link] = await charging.rows(SessionLink)
    assert link.payer == "nobody"


async def test_such_an_emsp_can_command_nothing(placed: House) -> None:
    session_id = await running(placed)
    reserve: dict[str, Any] = {"reservation_id": "R1"}
    nowhere = await command(placed, "STOP_SESSION", to=None, session_id="NO-SUCH")
    unreserved = await command(placed, "CANCEL_RESERVATION", to=None, **reserve)
    await forbid(placed, "commands")

    with pytest.raises(UnknownLocation) as unknown:
        await start_session(placed, to=None, location_id="NO-SUCH")
    with pytest.raises(UnknownLocation) as hidden:
        await start_session(placed, to=None)
    assert hidden.value.message.replace("LOC1", "NO-SUCH") == unknown.value.message
    assert await command(placed, "STOP_SESSION", to=None, session_id=session_id) == nowhere
    assert await command(placed, "CANCEL_RESERVATION", to=None, **reserve) == unreserved
