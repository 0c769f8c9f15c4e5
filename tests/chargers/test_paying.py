"""Who pays for a session: an eMSP, a card of the operator, or nobody."""

from decimal import Decimal

import pytest

from bridge_ocpp.port import IdToken
from ocpi_hub.objects.tables import KeptCdr
from ocpi_hub.wire.cdrs import CDR
from tests.chargers.charging import end, start
from tests.chargers.house import House, transaction


async def test_an_own_card_has_its_session_and_cdr_and_nobody_is_owed_them(charging: House) -> None:
    await charging.add_card("0FF1CE")
    assert (await charging.authorize("0ff1ce")).accepted
    await start(charging, transaction("0FF1CE"))
    await end(charging, id_token=IdToken("0FF1CE"))
    cdr = await charging.cdr()
    assert cdr["cdr_token"] == {
        "country_code": "NL",
        "party_id": "CPO",
        "uid": "0FF1CE",
        "type": "RFID",
        "contract_id": "0FF1CE",
    }
    assert (await charging.link()).payer == "own"
    assert await charging.owed() == []


async def test_a_token_that_nobody_knows_is_kept_as_nobodys(charging: House) -> None:
    await end(charging, id_token=IdToken("DEADBEEF"))
    assert (await charging.link()).payer == "nobody"
    assert (await charging.cdr())["cdr_token"]["uid"] == "DEADBEEF"
    assert await charging.owed() == []


@pytest.mark.parametrize("token", [None, IdToken("", "NoAuthorization")])
async def test_no_token_at_all_is_nobodys_too(charging: House, token: IdToken | None) -> None:
    await end(charging, id_token=token)
    cdr = await charging.cdr()
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


async def test_a_refused_token_pays_nothing(charging: House) -> None:
    await charging.add_token("BADBAD", whitelist="ALWAYS", valid=False)
    assert not (await charging.authorize("BADBAD")).accepted
    await start(charging, transaction("BADBAD"))
    await end(charging, id_token=IdToken("BADBAD"), energy_wh=Decimal(12), samples=())
    link = await charging.link()
    assert (link.refused, link.status, link.cdr_id) == (True, None, None)
    assert await charging.rows(KeptCdr) == []
    assert await charging.owed() == []


async def test_a_refusal_that_comes_after_the_start_makes_the_session_invalid(charging: House) -> None:
    await charging.add_token("LATE", whitelist="ALWAYS")
    await start(charging, transaction("LATE"))
    await charging.add_token("LATE", whitelist="ALWAYS", valid=False)
    assert not (await charging.authorize("LATE")).accepted
    await end(charging, id_token=IdToken("LATE"))
    assert (await charging.session())["status"] == "INVALID"
    assert (await charging.link()).cdr_id is None


async def test_a_refusal_in_the_middle_of_an_authorized_session_changes_nothing(charging: House) -> None:
    assert (await charging.authorize()).accepted
    await start(charging)
    await charging.add_token(valid=False, whitelist="ALWAYS")
    assert not (await charging.authorize()).accepted
    await end(charging)
    assert (await charging.session())["status"] == "COMPLETED"
    assert (await charging.link()).cdr_id is not None
