"""mod_sessions over HTTP: charging periods are replaced by PUT, added by PATCH, and read by two parties only."""

from typing import Any

import pytest

from tests.modules.owned.talking import ABC, LATER, data, ids, registered, said
from tests.world.hub import Hub
from tests.world.objects import cdr_token, charging_period, session
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")

FIRST, SECOND = charging_period(), charging_period("2026-03-01T11:00:00Z", kwh=2.25)
SINCE = "?date_from=2020-01-01T00:00:00Z"


async def kept(cpo: Partner) -> Any:
    return data(await cpo.get("sessions", "NL/ABC/S1", role="RECEIVER"))


async def seen_by(partner: Partner) -> list[str]:
    url = partner.hub_endpoints[("sessions", "SENDER")]
    return ids(await partner.request("GET", url + SINCE, from_=partner.here))


async def test_a_put_without_charging_periods_empties_them(cpo: Partner) -> None:
    await cpo.put("sessions", "NL/ABC/S1", session("S1", owner=ABC, charging_periods=[FIRST]))
    assert said(await cpo.put("sessions", "NL/ABC/S1", session("S1", owner=ABC))) == (200, 1000)
    assert await kept(cpo) == session("S1", owner=ABC)


async def test_a_patch_adds_them(cpo: Partner) -> None:
    await cpo.put("sessions", "NL/ABC/S1", session("S1", owner=ABC, charging_periods=[FIRST]))
    changes = {"kwh": 3.75, "charging_periods": [SECOND], "last_updated": LATER}
    answer = await cpo.patch("sessions", "NL/ABC/S1", changes)
    assert said(answer) == (200, 1000)
    assert "data" not in answer.json()
    expected = session("S1", owner=ABC, charging_periods=[FIRST, SECOND], kwh=3.75, last_updated=LATER)
    assert await kept(cpo) == expected
    assert said(await cpo.patch("sessions", "NL/ABC/S1", changes)) == (200, 1000)
    assert await kept(cpo) == expected


async def test_an_invalid_period_is_named_in_the_result(cpo: Partner) -> None:
    await cpo.put("sessions", "NL/ABC/S1", session("S1", owner=ABC, charging_periods=[FIRST]))
    changes = {"charging_periods": [{"start_date_time": LATER}], "last_updated": LATER}
    answer = await cpo.patch("sessions", "NL/ABC/S1", changes)
    assert said(answer) == (200, 2001)
    assert "charging_periods.1.dimensions: is required" in answer.json()["status_message"]
    assert (await kept(cpo))["charging_periods"] == [FIRST]


async def test_a_patch_before_the_put_is_not_found(cpo: Partner) -> None:
    assert said(await cpo.patch("sessions", "NL/ABC/S1", {"kwh": 1, "last_updated": LATER})) == (404, 2001)


async def test_there_are_no_urls_inside_of_a_session(cpo: Partner) -> None:
    await cpo.put("sessions", "NL/ABC/S1", session("S1", owner=ABC))
    answer = await cpo.patch("sessions", "NL/ABC/S1/charging_periods", {"last_updated": LATER})
    assert said(answer) == (404, 2001)


async def test_only_the_owner_and_the_token_s_owner_see_it(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await cpo.put("sessions", "NL/ABC/S1", session("S1", owner=ABC))
    async with registered(hub, ("EMSP", "FR", "EMP")) as stranger, registered(hub, ("CPO", "BE", "BEC")) as other:
        assert [await seen_by(one) for one in (cpo, emsp, stranger, other)] == [["S1"], ["S1"], [], []]
        theirs = session("S1", owner=ABC, cdr_token=cdr_token(owner=("fr", "emp")))
        await cpo.put("sessions", "NL/ABC/S1", theirs)
        assert [await seen_by(one) for one in (cpo, emsp, stranger, other)] == [["S1"], [], ["S1"], []]


async def test_it_is_not_read_by_id_at_the_sender(emsp: Partner, cpo: Partner) -> None:
    await cpo.put("sessions", "NL/ABC/S1", session("S1", owner=ABC))
    assert said(await emsp.get("sessions", "S1")) == (404, 2001)
