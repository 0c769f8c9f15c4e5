"""A CDR that the hub fetches is judged like one that is brought: the policy of its pair decides."""

import pytest

from ocpi_hub.admin.tending import PullBody
from ocpi_hub.cli.tending import watch
from tests.clearing.test_policies import audit, policy, right, wrong
from tests.world.objects import cdr_location

ELSEWHERE = cdr_location(evse_uid="EVSE2", evse_id="NL*CPO*EVSE2")


async def pulled(hub):
    [platform] = [p for p in await hub.platforms() if p["parties"] and p["parties"][0]["role"] == "CPO"]
    [line] = await watch(hub.resources, platform["id"], PullBody(module="cdrs"), tell=lambda _: None)
    report = (await hub.admin("GET", f"/partners/{platform['id']}/pulls")).json()
    return line["last"], next(run for run in report["runs"] if run["module"] == "cdrs")["problems"]


@pytest.mark.parametrize(("action", "decision", "told"), [("pass", "marked", ["C1", "C2"]), ("hold", "held", ["C2"])])
async def test_a_wrong_cdr_is_marked_or_held(hub, cpo, emsp, action, decision, told):
    await policy(hub, "*/*", on_warning="pass", on_error=action)
    cpo.filters = False
    cpo.objects["cdrs"] = [wrong("C1"), right("C2", session_id="S2", cdr_location=ELSEWHERE)]
    last, problems = await pulled(hub)
    assert (last["new"], last["bad"], problems) == (2, 0, [])
    await emsp.hears("cdrs", "POST", count=len(told))
    assert sorted(heard.json["id"] for heard in emsp.told("cdrs")) == told
    assert (await audit(hub, "C1"))["decision"] == decision


async def test_a_wrong_cdr_is_refused_and_the_run_says_why(hub, cpo, emsp):
    await policy(hub, "*/*", on_warning="pass", on_error="refuse")
    cpo.filters = False
    cpo.objects["cdrs"] = [wrong("C1"), right("C2", session_id="S2", cdr_location=ELSEWHERE)]
    last, problems = await pulled(hub)
    assert (last["outcome"], last["new"], last["bad"]) == ("done", 1, 1)
    assert (problems[0]["object"], problems[0]["reason"].partition(":")[0]) == ("C1", "total_cost.excl_vat")
    assert (await audit(hub, "C1"))["decision"] == "refused"
    assert (await pulled(hub))[0]["bad"] == 1, "the same again, as long as it is listed"
