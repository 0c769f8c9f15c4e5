"""The credentials module, the partner beginning: rows C1-C6 and C11-C14, over real HTTP against a real partner."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ocpi_hub.partners import register
from tests.world import faults
from tests.world.hub import Hub
from tests.world.objects import cdr
from tests.world.partner import Partner

EXAMPLES = Path(__file__).parent.parent / "spec_examples"


async def credentials(partner: Partner, hub: Hub, method: str, *, token: str | None = None, **body: Any) -> Any:
    url = f"{hub.url}/ocpi/2.2.1/credentials"
    return await partner.request(method, url, token=token, **({"json": body["json"]} if "json" in body else {}))


async def rows(hub: Hub, table: str) -> int:
    async with hub.resources.sessions() as db:
        found: int = (await db.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()
        return found


# --- C1: POST ---------------------------------------------------------------------------------------------------------


async def test_post_registers_the_platform(hub: Hub, cpo: Partner) -> None:
    token_a = await hub.invite("A CPO")

    answer = await cpo.register(hub.versions_url, token_a)

    assert answer.status_code == 200
    assert answer.json()["status_code"] == 1000
    given = answer.json()["data"]
    assert given["token"] == cpo.hub_token
    assert given["token"] != token_a
    assert 20 < len(given["token"]) <= 64
    assert given["url"] == hub.versions_url
    assert [(h.module, h.method) for h in cpo.heard] == [("versions", "GET"), ("details", "GET")]
    [platform] = await hub.platforms()
    assert platform["status"] == "CONNECTED"
    assert platform["name"] == "A CPO"
    assert platform["version"] == "2.2.1"
    assert platform["parties"] == [
        {"country_code": "NL", "party_id": "ABC", "role": "CPO", "business_details": {"name": "A CPO"}}
    ]
    assert {(e["identifier"], e["role"]) for e in platform["endpoints"]} >= {
        ("locations", "SENDER"),
        ("tokens", "RECEIVER"),
        ("credentials", "SENDER"),
    }
    assert (await cpo.get("locations")).json()["status_code"] == 1000


async def test_a_hub_reports_itself_only(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    """C12: other connected parties are never roles of the hub."""
    await emsp.register(hub.versions_url, await hub.invite("An eMSP"))
    answer = await cpo.register(hub.versions_url, await hub.invite())
    assert answer.json()["data"]["roles"] == [
        {"role": "HUB", "business_details": {"name": "OCPI Hub"}, "party_id": "HUB", "country_code": "NL"}
    ]


async def test_the_calls_back_carry_the_new_token_and_ids_and_no_routing(hub: Hub, cpo: Partner) -> None:
    await cpo.register(hub.versions_url, await hub.invite())
    for heard in cpo.heard:
        assert heard.headers["X-Request-ID"]
        assert heard.headers["X-Correlation-ID"]
        assert not [name for name in heard.headers if name.lower().startswith("ocpi-")]


async def test_token_a_is_dead_after_it_was_used(hub: Hub, cpo: Partner) -> None:
    """C1, X12."""
    token_a = await hub.invite()
    await cpo.register(hub.versions_url, token_a)
    for method, url in (("GET", hub.versions_url), ("GET", cpo.credentials_url), ("POST", cpo.credentials_url)):
        answer = await cpo.request(method, url, token=token_a)
        assert answer.status_code == 401
        assert answer.json()["status_code"] == 2000


async def test_two_posts_with_one_invitation_register_once(hub: Hub, cpo: Partner) -> None:
    token_a = await hub.invite()
    gate = asyncio.Event()
    cpo.misbehave(faults.held(gate), module="versions")
    body = cpo.credentials(cpo.issue())
    posts = [asyncio.create_task(credentials(cpo, hub, "POST", token=token_a, json=body)) for _ in range(2)]
    await cpo.hears("versions", count=2)
    gate.set()

    answers = [await post for post in posts]

    assert sorted(answer.status_code for answer in answers) == [200, 401]
    assert await rows(hub, "credentials_token") == 1
    [winner] = [answer for answer in answers if answer.status_code == 200]
    works = await cpo.request("GET", hub.versions_url, token=winner.json()["data"]["token"])
    assert works.status_code == 200


@pytest.mark.parametrize("number", ["", "2", "3", "4"])
async def test_the_examples_of_the_specification_register(hub: Hub, cpo: Partner, number: str) -> None:
    """C11: the same role twice, and several roles of one party."""
    given = json.loads((EXAMPLES / f"credentials_example{number}.json").read_text())
    token_b = cpo.issue()
    body = given | {"token": token_b, "url": cpo.versions_url}

    answer = await credentials(cpo, hub, "POST", token=await hub.invite(), json=body)

    assert answer.json()["status_code"] == 1000
    [platform] = await hub.platforms()
    assert [(p["role"], p["party_id"]) for p in platform["parties"]] == [
        (role["role"], role["party_id"]) for role in given["roles"]
    ]


# --- C2: 405 and 401 --------------------------------------------------------------------------------------------------


async def test_post_when_registered_is_405(hub: Hub, cpo: Partner) -> None:
    await cpo.register(hub.versions_url, await hub.invite())
    answer = await credentials(cpo, hub, "POST", json=cpo.credentials(cpo.issue()))
    assert answer.status_code == 405
    assert answer.json()["status_code"] == 2000
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_put_and_delete_when_not_registered_are_405(hub: Hub, cpo: Partner, method: str) -> None:
    token_a = await hub.invite()
    answer = await credentials(cpo, hub, method, token=token_a, json=cpo.credentials(cpo.issue()))
    assert answer.status_code == 405
    assert answer.json()["status_code"] == 2000
    assert (await cpo.register(hub.versions_url, token_a)).status_code == 200


async def test_405_comes_before_any_look_at_the_body(hub: Hub, cpo: Partner) -> None:
    await cpo.register(hub.versions_url, await hub.invite())
    answer = await cpo.request("POST", cpo.credentials_url, content=b"{not json")
    assert answer.status_code == 405


async def test_patch_is_405(hub: Hub, cpo: Partner) -> None:
    await cpo.register(hub.versions_url, await hub.invite())
    answer = await credentials(cpo, hub, "PATCH", json={})
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) <= {"GET", "POST", "PUT", "DELETE"}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_an_unknown_token_is_401(hub: Hub, cpo: Partner, method: str) -> None:
    answer = await credentials(cpo, hub, method, token="nobody-gave-this-away", json={})
    assert answer.status_code == 401
    assert answer.json()["status_code"] == 2000
    assert answer.headers["www-authenticate"] == "Token"


# --- C3: 3001, 3002, 3003 ---------------------------------------------------------------------------------------------


UNUSABLE = [
    pytest.param("versions", faults.status(500), 3001, id="versions-500"),
    pytest.param("versions", faults.html(), 3001, id="versions-html"),
    pytest.param("versions", faults.status(401), 3001, id="versions-401"),
    pytest.param("versions", faults.drops(), 3001, id="versions-dropped"),
    pytest.param("versions", faults.endless(), 3001, id="versions-endless"),
    pytest.param("versions", faults.bomb(50), 3001, id="versions-bomb"),
    pytest.param("versions", faults.redirects("http://127.0.0.1:1/"), 3001, id="versions-redirect"),
    pytest.param("versions", faults.refuses(2000), 3001, id="versions-2000"),
    pytest.param("versions", faults.data("nonsense"), 3001, id="versions-not-a-list"),
    pytest.param("versions", faults.data([]), 3001, id="versions-empty"),
    pytest.param("versions", faults.data([{"version": "2.1.1", "url": "http://127.0.0.1/"}]), 3002, id="only-2.1.1"),
    pytest.param("versions", faults.data([{"version": "2.2", "url": "http://127.0.0.1/"}]), 3002, id="only-2.2"),
    pytest.param("details", faults.status(503), 3001, id="details-503"),
    pytest.param("details", faults.data({"version": "2.2.1"}), 3001, id="details-without-endpoints"),
    pytest.param("details", faults.data({"version": "2.2.1", "endpoints": []}), 3003, id="no-endpoints"),
    pytest.param(
        "details",
        faults.data(
            {
                "version": "2.2.1",
                "endpoints": [{"identifier": "locations", "role": "SENDER", "url": "http://127.0.0.1:9/l"}],
            }
        ),
        3003,
        id="no-credentials-endpoint",
    ),
    pytest.param(
        "details",
        faults.data(
            {
                "version": "2.2.1",
                "endpoints": [{"identifier": "credentials", "role": "SENDER", "url": "http://127.0.0.1:9/c"}],
            }
        ),
        3003,
        id="no-module",
    ),
    pytest.param(
        "details",
        faults.data(
            {
                "version": "2.2.1",
                "endpoints": [
                    {"identifier": "credentials", "role": "SENDER", "url": "http://127.0.0.1:9/c"},
                    {"identifier": "locations", "role": "SENDER", "url": "http://169.254.169.254/latest"},
                ],
            }
        ),
        3001,
        id="endpoint-inwards",
    ),
]


@pytest.mark.parametrize(("module", "fault", "code"), UNUSABLE)
async def test_a_platform_that_cannot_be_used_is_told_why_and_nothing_is_kept(
    hub: Hub, cpo: Partner, module: str, fault: faults.Fault, code: int
) -> None:
    token_a = await hub.invite()
    cpo.misbehave(fault, module=module)

    answer = await cpo.register(hub.versions_url, token_a)

    assert answer.status_code == 200
    assert answer.json()["status_code"] == code
    assert answer.json()["status_message"].startswith("your ")
    [platform] = await hub.platforms()
    assert platform["status"] == "PLANNED"
    assert (await rows(hub, "party"), await rows(hub, "endpoint"), await rows(hub, "credentials_token")) == (0, 0, 1)

    cpo.behave()
    assert (await cpo.register(hub.versions_url, token_a)).json()["status_code"] == 1000


async def test_a_slow_platform_does_not_hold_the_hub(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    """No transaction and no lock is held while a partner is called back."""
    gate = asyncio.Event()
    cpo.misbehave(faults.held(gate), module="versions")
    registering = asyncio.create_task(cpo.register(hub.versions_url, await hub.invite("slow")))
    await cpo.hears("versions")

    async with hub.resources.sessions() as db:
        open_transactions = await db.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
            )
        )
    assert open_transactions.scalar_one() == 0
    assert (await emsp.register(hub.versions_url, await hub.invite("quick"))).status_code == 200
    gate.set()
    assert (await registering).json()["status_code"] == 1000


# --- bad bodies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"token": None}, "token"),
        ({"token": ""}, "token"),
        ({"token": "has a space"}, "token"),
        ({"token": "x" * 65}, "token"),
        ({"token": 5}, "token"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": None}, "url"),
        ({"roles": []}, "roles"),
        ({"roles": None}, "roles"),
        ({"roles": [{"role": "CPO"}]}, "roles.0.party_id"),
        ({"roles": "CPO"}, "roles"),
    ],
)
async def test_a_wrong_shape_is_2001_with_the_path(hub: Hub, cpo: Partner, change: dict[str, Any], field: str) -> None:
    body = cpo.credentials("a-token-of-theirs") | change
    answer = await credentials(cpo, hub, "POST", token=await hub.invite(), json=body)
    assert answer.status_code == 200
    assert answer.json()["status_code"] == 2001
    assert field in answer.json()["status_message"]
    assert cpo.heard == []


@pytest.mark.parametrize("role", ["BOSS", "cpo", None])
async def test_an_unknown_role_is_2001(hub: Hub, cpo: Partner, role: str | None) -> None:
    body = cpo.credentials("a-token-of-theirs")
    body["roles"][0]["role"] = role
    answer = await credentials(cpo, hub, "POST", token=await hub.invite(), json=body)
    assert answer.json()["status_code"] == 2001
    assert "roles.0.role" in answer.json()["status_message"]


async def test_a_role_twice_is_2001(hub: Hub, cpo: Partner) -> None:
    cpo.more = (("CPO", "nl", "abc"),)
    answer = await cpo.register(hub.versions_url, await hub.invite())
    assert answer.json()["status_code"] == 2001
    assert "unique combination" in answer.json()["status_message"]


async def test_very_many_roles_are_2001(hub: Hub, cpo: Partner) -> None:
    cpo.more = tuple(("CPO", "NL", f"{number:03}") for number in range(600))
    answer = await cpo.register(hub.versions_url, await hub.invite())
    assert answer.json()["status_code"] == 2001
    assert cpo.heard == []


async def test_broken_json_is_400_in_the_envelope(hub: Hub, cpo: Partner) -> None:
    answer = await cpo.request(
        "POST", f"{hub.url}/ocpi/2.2.1/credentials", token=await hub.invite(), content=b'{"token": "x",'
    )
    assert answer.status_code == 400
    assert answer.json()["status_code"] == 2001
    assert "detail" not in answer.json()


# --- C4: PUT ----------------------------------------------------------------------------------------------------------


async def test_put_gives_a_new_token_and_reads_the_endpoints_again(hub: Hub, cpo: Partner) -> None:
    await cpo.register(hub.versions_url, await hub.invite())
    old = cpo.hub_token
    cpo.heard.clear()
    cpo.more = (("EMSP", "NL", "ABC"),)
    cpo.endpoints = [line for line in cpo.endpoints if line["identifier"] != "tariffs"]

    answer = await cpo.renew()

    assert answer.json()["status_code"] == 1000
    assert cpo.hub_token != old
    assert [(h.module, h.method) for h in cpo.heard] == [("versions", "GET"), ("details", "GET")]
    [platform] = await hub.platforms()
    assert [p["role"] for p in platform["parties"]] == ["CPO", "EMSP"]
    assert "tariffs" not in {e["identifier"] for e in platform["endpoints"]}
    assert platform["status"] == "CONNECTED"


async def test_the_replaced_token_works_until_the_new_one_is_seen(hub: Hub, cpo: Partner) -> None:
    """C9."""
    await cpo.register(hub.versions_url, await hub.invite())
    old = cpo.hub_token
    await cpo.renew()
    assert (await cpo.get("locations", token=old)).status_code == 200
    assert (await cpo.request("GET", hub.versions_url)).status_code == 200  # proves nothing: no module was used
    assert (await cpo.get("locations", token=old)).status_code == 200

    assert (await cpo.get("locations")).status_code == 200

    assert (await cpo.get("locations", token=old)).status_code == 401
    assert (await cpo.get("locations")).status_code == 200


async def test_the_replaced_token_ends_with_the_grace(hub: Hub, cpo: Partner) -> None:
    await cpo.register(hub.versions_url, await hub.invite())
    old = cpo.hub_token
    await cpo.renew()
    hub.clock.advance(599)
    assert (await cpo.get("locations", token=old)).status_code == 200
    hub.clock.advance(2)
    assert (await cpo.get("locations", token=old)).status_code == 401
    assert (await cpo.get("locations")).status_code == 200


async def test_a_failed_put_changes_nothing(hub: Hub, cpo: Partner) -> None:
    await cpo.register(hub.versions_url, await hub.invite())
    before = await hub.platforms()
    cpo.misbehave(faults.status(500), module="details")
    cpo.more = (("EMSP", "NL", "ABC"),)

    answer = await cpo.renew()

    assert answer.json()["status_code"] == 3001
    after = await hub.platforms()
    assert [p["parties"] for p in after] == [p["parties"] for p in before]
    assert [p["credentials"] for p in after] == [p["credentials"] for p in before]
    assert (await cpo.get("locations")).status_code == 200


async def test_a_put_whose_answer_was_lost_can_be_repeated(hub: Hub, cpo: Partner) -> None:
    """X7: the partner still holds the old token, which works, and asks again with it."""
    await cpo.register(hub.versions_url, await hub.invite())
    old = cpo.hub_token
    await cpo.renew()  # its answer never arrived:
    cpo.hub_token = old

    assert (await cpo.renew()).json()["status_code"] == 1000
    assert (await cpo.get("locations")).status_code == 200
    assert (await cpo.get("locations", token=old)).status_code == 401


# --- C5, C6: DELETE and GET -------------------------------------------------------------------------------------------


async def test_delete_ends_everything(hub: Hub, cpo: Partner) -> None:
    await cpo.register(hub.versions_url, await hub.invite())

    answer = await credentials(cpo, hub, "DELETE")

    assert answer.status_code == 200
    assert answer.json()["status_code"] == 1000
    assert "data" not in answer.json()
    for url in (hub.versions_url, cpo.hub_endpoints[("locations", "SENDER")], cpo.credentials_url):
        assert (await cpo.request("GET", url, from_=cpo.here)).status_code == 401
    [platform] = await hub.platforms()
    assert platform["status"] == "SUSPENDED"
    assert platform["registered"] is False
    assert platform["endpoints"] == []
    assert platform["credentials"] == []
    entry = await hub.platform()
    assert entry.their_credentials_token is None
    assert [p["party_id"] for p in platform["parties"]] == ["ABC"]  # others must hear that it is SUSPENDED


async def test_who_has_left_may_come_back_with_a_new_invitation(hub: Hub, cpo: Partner) -> None:
    await cpo.register(hub.versions_url, await hub.invite("first"))
    await credentials(cpo, hub, "DELETE")

    again = await hub.invite("again", parties=[("CPO", "nl", "abc")])
    assert (await cpo.register(hub.versions_url, again)).json()["status_code"] == 1000

    parties = {p["name"]: [q["party_id"] for q in p["parties"]] for p in await hub.platforms()}
    assert parties == {"first": [], "again": ["ABC"]}


async def test_an_operator_may_invite_a_registered_platform_again(hub: Hub, cpo: Partner) -> None:
    """A partner that has lost its tokens needs a way back; the old ones end when the invitation is used."""
    await cpo.register(hub.versions_url, await hub.invite())
    old = cpo.hub_token
    [platform] = await hub.platforms()
    async with hub.resources.unit_of_work() as db:
        token_a = (await register.invite_again(db, hub.resources, platform["id"])).credentials_token
    assert (await cpo.get("locations")).status_code == 200

    assert (await cpo.register(hub.versions_url, token_a)).json()["status_code"] == 1000

    assert (await cpo.get("locations", token=old)).status_code == 401
    assert (await cpo.get("locations")).status_code == 200
    assert len(await hub.platforms()) == 1


async def test_get_echoes_the_presented_token(hub: Hub, cpo: Partner) -> None:
    token_a = await hub.invite()
    early = await credentials(cpo, hub, "GET", token=token_a)
    assert early.json()["data"]["token"] == token_a
    await cpo.register(hub.versions_url, token_a)
    late = await credentials(cpo, hub, "GET")
    assert late.json()["data"]["token"] == cpo.hub_token
    assert late.json()["data"]["roles"][0]["role"] == "HUB"


# --- C13: who may not be whom -----------------------------------------------------------------------------------------


async def test_a_party_of_another_platform_is_refused(hub: Hub, cpo: Partner) -> None:
    await cpo.register(hub.versions_url, await hub.invite("the real one"))
    async with Partner(("CPO", "nl", "abc")) as thief:
        answer = await thief.register(hub.versions_url, await hub.invite("thief"))
        assert answer.status_code == 200
        assert answer.json()["status_code"] == 2001
        assert "CPO nl/abc" in answer.json()["status_message"]
        assert thief.heard == []
    assert [p["name"] for p in await hub.platforms() if p["parties"]] == ["the real one"]
    assert (await cpo.get("locations")).status_code == 200


@pytest.mark.parametrize("ends", ["DELETE", "PUT"])
async def test_what_was_kept_for_a_party_goes_to_nobody_that_claims_it_later(hub: Hub, cpo: Partner, ends: str) -> None:
    """A party that left, or that a platform gave up, has a history here: sessions and CDRs of its drivers."""
    async with Partner(("EMSP", "DE", "MSP"), name="the real one") as emsp:
        await emsp.register(hub.versions_url, await hub.invite("the real one"))
        await cpo.register(hub.versions_url, await hub.invite("charging"))
        assert (await cpo.post("cdrs", "", cdr(owner=("NL", "ABC")))).status_code == 201
        assert len((await emsp.get("cdrs")).json()["data"]) == 1
        if ends == "DELETE":
            await credentials(emsp, hub, "DELETE")
        else:
            emsp.party = ("EMSP", "DE", "NEW")
            await emsp.renew()
    async with Partner(("EMSP", "de", "msp"), name="thief") as thief:
        answer = await thief.register(hub.versions_url, await hub.invite("thief"))
        assert (answer.status_code, answer.json()["status_code"]) == (200, 2001)
        assert thief.hub_token is None
        thief.party = ("EMSP", "DE", "XXX")
        assert (await thief.register(hub.versions_url, await hub.invite("honest"))).json()["status_code"] == 1000
        thief.more = (("EMSP", "DE", "MSP"),)
        assert (await thief.renew()).json()["status_code"] == 2001
        assert (await thief.get("cdrs")).json()["data"] == []
    async with Partner(("EMSP", "DE", "MSP"), name="successor") as successor:
        named = await hub.invite("successor", parties=[("EMSP", "DE", "MSP")])
        assert (await successor.register(hub.versions_url, named)).json()["status_code"] == 1000
        assert len((await successor.get("cdrs")).json()["data"]) == 1


async def test_a_put_cannot_add_a_party_of_another_platform(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await cpo.register(hub.versions_url, await hub.invite("the real one"))
    await emsp.register(hub.versions_url, await hub.invite("thief"))
    emsp.more = (("CPO", "NL", "ABC"),)
    assert (await emsp.renew()).json()["status_code"] == 2001
    assert (await emsp.get("tokens")).status_code == 200


async def test_one_party_may_have_its_roles_on_two_platforms(hub: Hub, cpo: Partner) -> None:
    """R11: CPO here, eMSP there."""
    await cpo.register(hub.versions_url, await hub.invite("charging"))
    async with Partner(("EMSP", "NL", "ABC")) as other:
        answer = await other.register(hub.versions_url, await hub.invite("driving"))
        assert answer.json()["status_code"] == 1000


@pytest.mark.parametrize("party", [("CPO", "NL", "HUB"), ("EMSP", "nl", "hub"), ("CPO", "NL", "CPO")])
async def test_the_hubs_own_parties_are_refused(hub: Hub, party: tuple[str, str, str]) -> None:
    async with Partner(party) as thief:
        answer = await thief.register(hub.versions_url, await hub.invite())
        assert answer.json()["status_code"] == 2001


async def test_the_list_of_the_invitation_decides(hub: Hub, cpo: Partner) -> None:
    wrong = await hub.invite("wrong", parties=[("EMSP", "NL", "ABC")])
    assert (await cpo.register(hub.versions_url, wrong)).json()["status_code"] == 2001
    right = await hub.invite("right", parties=[("CPO", "nl", "abc"), ("EMSP", "NL", "ABC")])
    assert (await cpo.register(hub.versions_url, right)).json()["status_code"] == 1000


async def test_of_two_at_the_same_moment_one_gets_the_party(hub: Hub, cpo: Partner) -> None:
    gate = asyncio.Event()
    async with Partner(("CPO", "NL", "ABC")) as twin:
        for partner in (cpo, twin):
            partner.misbehave(faults.held(gate), module="details")
        first = asyncio.create_task(cpo.register(hub.versions_url, await hub.invite("one")))
        second = asyncio.create_task(twin.register(hub.versions_url, await hub.invite("two")))
        await cpo.hears("details")
        await twin.hears("details")
        gate.set()
        codes = sorted([(await first).json()["status_code"], (await second).json()["status_code"]])
    assert codes == [1000, 2001]
    assert await rows(hub, "party") == 1


# --- tolerance --------------------------------------------------------------------------------------------------------


async def test_an_invitation_runs_out(hub: Hub, cpo: Partner) -> None:
    token_a = await hub.invite()
    hub.clock.advance(14 * 24 * 3600 - 60)
    assert (await cpo.request("GET", hub.versions_url, token=token_a)).status_code == 200
    hub.clock.advance(120)
    assert (await cpo.request("GET", hub.versions_url, token=token_a)).status_code == 401


@pytest.mark.parametrize("encoding", ["base64", "raw", "newline"])
@pytest.mark.parametrize("understood", [{"base64"}, {"raw"}])
async def test_every_way_of_presenting_a_token_registers(
    hub: Hub, cpo: Partner, encoding: str, understood: set[str]
) -> None:
    """T1-T3: what a partner sends is learned, what it understands is found by trial."""
    cpo.encoding, cpo.understands = encoding, understood

    assert (await cpo.register(hub.versions_url, await hub.invite())).json()["status_code"] == 1000
    assert (await cpo.get("locations")).status_code == 200

    [platform] = await hub.platforms()
    they_send = "raw" if encoding == "raw" else "base64"
    assert platform["token_encoding"] == {"we_send": next(iter(understood)), "they_send": they_send}


@pytest.mark.parametrize("code", [400, 403, 500])
async def test_a_partner_that_falls_over_an_encoded_token_is_asked_again_with_the_raw_one(
    hub: Hub, cpo: Partner, code: int
) -> None:
    cpo.understands = {"raw"}
    cpo.misbehave(faults.status(code), module="versions", times=1)
    assert (await cpo.register(hub.versions_url, await hub.invite())).json()["status_code"] == 1000


async def test_details_are_read_forgivingly(hub: Hub, cpo: Partner) -> None:
    """V3, V5, V6: unknown versions, modules and roles; any role on credentials; clientinfo; objects in a list."""
    cpo.wraps = True
    cpo.versions.insert(0, {"version": "9.9", "url": f"{cpo.url}/nowhere"})
    cpo.versions.append({"version": "2.1.1"})  # no url: this one is bad, the others are not
    cpo.endpoints = [
        {"identifier": "credentials", "role": "RECEIVER", "url": f"{cpo.url}/ocpi/2.2.1/credentials"},
        {"identifier": "clientinfo", "role": "RECEIVER", "url": f"{cpo.url}/ocpi/receiver/clientinfo/"},
        {"identifier": "locations", "role": "SENDER", "url": f"{cpo.url}/ocpi/sender/locations/"},
        {"identifier": "nltnm-tokens", "role": "WHATEVER", "url": f"{cpo.url}/ocpi/own"},
        {"identifier": "tariffs", "url": f"{cpo.url}/ocpi/no-role"},
        {"nonsense": True},
    ]

    assert (await cpo.register(hub.versions_url, await hub.invite())).json()["status_code"] == 1000

    [platform] = await hub.platforms()
    assert {(e["identifier"], e["role"], e["url"].removeprefix(cpo.url)) for e in platform["endpoints"]} == {
        ("credentials", "SENDER", "/ocpi/2.2.1/credentials"),
        ("hubclientinfo", "RECEIVER", "/ocpi/receiver/clientinfo/"),
        ("locations", "SENDER", "/ocpi/sender/locations/"),
        ("nltnm-tokens", "WHATEVER", "/ocpi/own"),
    }


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/ocpi/versions",
        "http://example.invalid/ocpi/versions",
        "http://user:password@127.0.0.1/versions",
        "https://[::1]/versions",
        "http://0x7f000001@10.1.1.1/",
    ],
)
async def test_a_versions_url_that_leads_inwards_is_never_called(hub: Hub, cpo: Partner, url: str) -> None:
    body = cpo.credentials("a-token-of-theirs") | {"url": url}
    answer = await credentials(cpo, hub, "POST", token=await hub.invite(), json=body)
    assert answer.json()["status_code"] == 3001
    assert "169.254" not in answer.json()["status_message"]
