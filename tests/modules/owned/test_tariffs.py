"""mod_tariffs over HTTP: PUT, DELETE, and nothing between them."""

import pytest

from tests.modules.owned.talking import ABC, data, ids, said
from tests.world.objects import tariff
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_tariff_is_kept_replaced_and_removed(cpo: Partner, emsp: Partner) -> None:
    assert said(await cpo.put("tariffs", "NL/ABC/T1", tariff("T1", owner=ABC))) == (201, 1000)
    changed = tariff("T1", owner=ABC, currency="SEK")
    assert said(await cpo.put("tariffs", "NL/ABC/T1", changed)) == (200, 1000)
    assert data(await emsp.get("tariffs")) == [changed]
    gone = await cpo.call("DELETE", "tariffs", "nl/abc/t1")
    assert said(gone) == (200, 1000)
    assert "data" not in gone.json()
    answer = await emsp.get("tariffs")
    assert (data(answer), answer.headers["X-Total-Count"]) == ([], "0")
    assert said(await cpo.get("tariffs", "NL/ABC/T1", role="RECEIVER")) == (404, 2001)


async def test_what_is_not_there_cannot_be_removed(cpo: Partner) -> None:
    assert said(await cpo.call("DELETE", "tariffs", "NL/ABC/NO")) == (404, 2001)


async def test_nobody_else_can_remove_it(cpo: Partner, emsp: Partner) -> None:
    await cpo.put("tariffs", "NL/ABC/T1", tariff("T1", owner=ABC))
    assert said(await emsp.call("DELETE", "tariffs", "NL/ABC/T1")) == (404, 2001)
    assert ids(await emsp.get("tariffs")) == ["T1"]


async def test_there_is_no_patch_and_no_object_at_the_sender(cpo: Partner, emsp: Partner) -> None:
    await cpo.put("tariffs", "NL/ABC/T1", tariff("T1", owner=ABC))
    assert said(await cpo.patch("tariffs", "NL/ABC/T1", {"last_updated": "2026-03-01T12:00:00Z"})) == (405, 2000)
    assert said(await emsp.get("tariffs", "T1")) == (404, 2001)


async def test_an_element_that_is_no_element_is_named(cpo: Partner) -> None:
    broken = tariff("T1", owner=ABC, elements=[{"price_components": [{"type": "ENERGY", "price": "free"}]}])
    answer = await cpo.put("tariffs", "NL/ABC/T1", broken)
    assert said(answer) == (200, 2001)
    assert "elements.0.price_components.0.price: must be a number" in answer.json()["status_message"]
    assert "elements.0.price_components.0.step_size: is required" in answer.json()["status_message"]
