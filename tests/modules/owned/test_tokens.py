"""mod_tokens over HTTP: a token is its uid and its type together."""

import pytest

from tests.modules.owned.talking import LATER, data, said
from tests.world.objects import token
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def kept(emsp: Partner, uid: str, query: str = "") -> object:
    return data(await emsp.get("tokens", f"DE/MSP/{uid}{query}", role="RECEIVER"))


async def test_one_uid_with_two_types_is_two_tokens(emsp: Partner, cpo: Partner) -> None:
    card, app = token("T1"), token("T1", type="APP_USER", whitelist="NEVER")
    assert said(await emsp.put("tokens", "DE/MSP/T1?type=RFID", card)) == (201, 1000)
    assert said(await emsp.put("tokens", "DE/MSP/T1?type=APP_USER", app)) == (201, 1000)
    assert said(await emsp.put("tokens", "DE/MSP/t1?type=APP_USER", app)) == (200, 1000)
    assert await kept(emsp, "T1") == await kept(emsp, "T1", "?type=RFID") == card
    assert await kept(emsp, "t1", "?type=APP_USER") == app
    assert data(await cpo.get("tokens")) == [card, app]


async def test_without_a_type_the_body_says_it(emsp: Partner) -> None:
    app = token("T1", type="APP_USER")
    assert said(await emsp.put("tokens", "DE/MSP/T1", app)) == (201, 1000)
    assert await kept(emsp, "T1", "?type=APP_USER") == app
    assert said(await emsp.get("tokens", "DE/MSP/T1", role="RECEIVER")) == (404, 2004)


async def test_url_and_body_with_different_types(emsp: Partner) -> None:
    answer = await emsp.put("tokens", "DE/MSP/T1?type=APP_USER", token("T1"))
    assert said(answer) == (200, 2001)
    assert answer.json()["status_message"].startswith("type: ")


async def test_a_patch_is_for_the_type_in_the_url_or_for_the_card(emsp: Partner) -> None:
    await emsp.put("tokens", "DE/MSP/T1?type=RFID", token("T1"))
    await emsp.put("tokens", "DE/MSP/T1?type=OTHER", token("T1", type="OTHER"))
    changes = {"valid": False, "last_updated": LATER}
    assert said(await emsp.patch("tokens", "DE/MSP/T1?type=OTHER", changes)) == (200, 1000)
    assert await kept(emsp, "T1", "?type=OTHER") == token("T1", type="OTHER") | changes
    assert await kept(emsp, "T1") == token("T1")
    assert said(await emsp.patch("tokens", "DE/MSP/T1", changes)) == (200, 1000)
    assert await kept(emsp, "T1") == token("T1") | changes


@pytest.mark.parametrize("query", ["?type=APP_USER", "?type=rfid", "?type=NO"])
async def test_a_type_that_is_not_there(emsp: Partner, query: str) -> None:
    await emsp.put("tokens", "DE/MSP/T1", token("T1"))
    assert said(await emsp.get("tokens", f"DE/MSP/T1{query}", role="RECEIVER")) == (404, 2004)
    answer = await emsp.patch("tokens", f"DE/MSP/T1{query}", {"valid": False, "last_updated": LATER})
    assert said(answer) == (404, 2004)


async def test_the_type_of_a_token_cannot_be_patched(emsp: Partner) -> None:
    await emsp.put("tokens", "DE/MSP/T1", token("T1"))
    answer = await emsp.patch("tokens", "DE/MSP/T1", {"type": "APP_USER", "last_updated": LATER})
    assert said(answer) == (200, 2001)


async def test_real_time_authorization_of_a_token_that_nobody_knows(cpo: Partner) -> None:
    assert said(await cpo.call("POST", "tokens", "T1/authorize", role="SENDER", json={})) == (404, 2004)
