"""The token of a command is authorized by the command itself (mod_commands, StartSession)."""

from bridge_ocpp.port import TransactionEnded, TransactionStarted
from ocpi_hub.chargers.mapping import id_token_of
from tests.chargers.commanding import APP, rows, start_session
from tests.chargers.house import House, transaction
from tests.world import objects


async def test_the_token_of_a_command_is_authorized_without_asking(placed: House) -> None:
    await start_session(placed)
    assert (await placed.authorize(id_token_of(APP))).accepted
    assert (await placed.authorize(id_token_of(APP).lower(), evse_id=2)).accepted
    assert not (await placed.authorize(id_token_of(APP), charger_id="BOX-2")).accepted
    placed.tick(minutes=15)
    assert not (await placed.authorize(id_token_of(APP))).accepted


async def test_a_card_is_not_asked_about_within_fifteen_minutes_of_its_command(placed: House) -> None:
    await placed.add_token(whitelist="NEVER")
    await start_session(placed, token=objects.token(whitelist="NEVER"))
    placed.tick(minutes=14)
    assert (await placed.authorize()).accepted
    placed.tick(minutes=2)
    assert not (await placed.authorize()).accepted  # asked, and nobody answers


async def test_an_app_token_stays_authorized_while_its_session_runs(placed: House) -> None:
    await start_session(placed)
    await placed.hear(TransactionStarted("BOX-1", placed.now, transaction(id_token_of(APP))))
    placed.tick(hours=3)
    assert (await placed.authorize(id_token_of(APP))).accepted
    ended = transaction(id_token_of(APP), ended_at=placed.now)
    await placed.hear(TransactionEnded("BOX-1", placed.now, ended))
    assert not (await placed.authorize(id_token_of(APP))).accepted


async def test_a_session_without_a_remote_start_id_is_found_by_its_token(placed: House) -> None:
    await start_session(placed)
    placed.tick(minutes=1)
    await placed.hear(TransactionStarted("BOX-1", placed.now, transaction(id_token_of(APP).lower())))
    session = await placed.session()
    assert (session["auth_method"], session["authorization_reference"]) == ("COMMAND", "REF-1")
    assert session["cdr_token"] == {
        "country_code": "DE",
        "party_id": "MSP",
        "uid": APP,
        "type": "APP_USER",
        "contract_id": "DE-MSP-C12345678-5",
    }


async def test_a_remote_start_id_of_another_charger_means_nothing(placed: House) -> None:
    await start_session(placed)
    [row] = await rows(placed)
    stray = transaction("CAFE", charger_id="BOX-2", remote_start_id=row.id)
    await placed.hear(TransactionStarted("BOX-2", placed.now, stray))
    assert (await placed.link()).payer == "nobody"
