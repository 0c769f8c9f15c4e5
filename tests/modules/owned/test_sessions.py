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
        theirs = session("S2", owner=ABC, cdr_token=cdr_token(owner=("fr", "emp")))
        await cpo.put("sessions", "NL/ABC/S2", theirs)
        assert [await seen_by(one) for one in (cpo, emsp, stranger, other)] == [["S1", "S2"], ["S1"], ["S2"], []]


# --- the end of a session ---------------------------------------------------------------------------------------------

BEFORE, AFTER = "2026-03-01T11:59:59Z", "2026-03-01T12:00:01Z"


async def completed(cpo: Partner, **changes: Any) -> dict[str, Any]:
    """A session that is kept as COMPLETED, last updated at LATER."""
    whole = session("S1", owner=ABC, status="COMPLETED", kwh=9.5, charging_periods=[FIRST, SECOND], last_updated=LATER)
    whole |= changes
    assert said(await cpo.put("sessions", "NL/ABC/S1", whole)) == (201, 1000)
    return whole


@pytest.mark.parametrize("status", ["ACTIVE", "PENDING", "RESERVATION", "RESERVED"])
@pytest.mark.parametrize("last_updated", [LATER, AFTER])
async def test_what_is_completed_does_not_go_on(cpo: Partner, status: str, last_updated: str) -> None:
    """It would drop out of what is looked through for CDRs that never came."""
    whole = await completed(cpo)
    changes = {"status": status, "last_updated": last_updated}
    for answer in (
        await cpo.put("sessions", "NL/ABC/S1", whole | changes),
        await cpo.patch("sessions", "NL/ABC/S1", changes),
    ):
        assert said(answer) == (200, 2001)
        assert "status: this Session is COMPLETED" in answer.json()["status_message"]
    assert await kept(cpo) == whole


@pytest.mark.parametrize("status", ["ACTIVE", "COMPLETED", "INVALID"])
async def test_a_put_that_was_overtaken_by_the_end_changes_nothing(cpo: Partner, status: str) -> None:
    whole = await completed(cpo)
    late = session("S1", owner=ABC, status=status, kwh=3, last_updated=BEFORE)
    assert said(await cpo.put("sessions", "NL/ABC/S1", late)) == (200, 1000)
    assert await kept(cpo) == whole


async def test_a_patch_that_was_overtaken_by_the_end_is_refused_so_that_nothing_of_it_is_lost(cpo: Partner) -> None:
    whole = await completed(cpo, charging_periods=[SECOND])
    answer = await cpo.patch("sessions", "NL/ABC/S1", {"charging_periods": [FIRST], "last_updated": BEFORE})
    assert said(answer) == (200, 2001)
    assert "PUT it as a whole" in answer.json()["status_message"]
    assert await kept(cpo) == whole


@pytest.mark.parametrize("status", ["COMPLETED", "INVALID"])
@pytest.mark.parametrize("last_updated", [LATER, AFTER])
async def test_a_completed_session_can_be_corrected(cpo: Partner, status: str, last_updated: str) -> None:
    whole = await completed(cpo)
    changes = {"status": status, "kwh": 9.75, "last_updated": last_updated}
    assert said(await cpo.put("sessions", "NL/ABC/S1", whole | changes)) == (200, 1000)
    assert await kept(cpo) == whole | changes
    if status == "COMPLETED":
        assert said(await cpo.patch("sessions", "NL/ABC/S1", changes | {"kwh": 9.8})) == (200, 1000)
        assert (await kept(cpo))["kwh"] == 9.8


@pytest.mark.parametrize("status", ["ACTIVE", "PENDING", "RESERVATION", "INVALID"])
async def test_what_is_not_completed_may_change_as_it_likes(cpo: Partner, status: str) -> None:
    for one in (status, "ACTIVE"):
        answer = await cpo.put("sessions", "NL/ABC/S1", session("S1", owner=ABC, status=one, last_updated=LATER))
        assert said(answer)[1] == 1000
    assert (await kept(cpo))["status"] == "ACTIVE"


@pytest.mark.parametrize("status", ["ACTIVE", "COMPLETED"])
async def test_a_session_stays_with_the_party_whose_token_began_it(
    hub: Hub, cpo: Partner, emsp: Partner, status: str
) -> None:
    """The one that it left would see it vanish, and the other would be billed for a charge that it never allowed."""
    async with registered(hub, ("EMSP", "FR", "EMP")) as other:
        mine = session("S1", owner=ABC, status=status)
        assert said(await cpo.put("sessions", "NL/ABC/S1", mine)) == (201, 1000)
        theirs = cdr_token(owner=("FR", "EMP"))
        for answer in (
            await cpo.put("sessions", "NL/ABC/S1", mine | {"cdr_token": theirs, "last_updated": LATER}),
            await cpo.patch("sessions", "NL/ABC/S1", {"cdr_token": theirs, "last_updated": LATER}),
        ):
            assert said(answer) == (200, 2001)
            assert answer.json()["status_message"].startswith("cdr_token: ")
        assert [await seen_by(one) for one in (emsp, other)] == [["S1"], []]
        another = cdr_token("GROUP2", owner=("de", "msp")) | {"contract_id": "C2"}
        answer = await cpo.put("sessions", "NL/ABC/S1", mine | {"cdr_token": another, "last_updated": LATER})
        assert said(answer) == (200, 1000), "another token of the same eMSP"


async def test_it_is_not_read_by_id_at_the_sender(emsp: Partner, cpo: Partner) -> None:
    await cpo.put("sessions", "NL/ABC/S1", session("S1", owner=ABC))
    assert said(await emsp.get("sessions", "S1")) == (404, 2001)
