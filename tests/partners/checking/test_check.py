"""The conformance check against real partners: what is right passes, and what is wrong is told by name."""

import asyncio

import pytest
from aiohttp import web

from ocpi_hub.partners.checking.check import check
from ocpi_hub.simulator.cpo import SimulatedCpo
from ocpi_hub.simulator.emsp import SimulatedEmsp
from ocpi_hub.wire.headers import PartyId
from tests.world import faults, objects, ocpi
from tests.world.hub import running_hub
from tests.world.partner import Partner

OWNER = ("NL", "ABC")


@pytest.fixture
async def hub(database_url, redis_url):
    async with running_hub(database_url, redis_url) as running:
        yield running


@pytest.fixture
async def cpo():
    async with Partner(("CPO", *OWNER), name="A CPO", informed=True) as partner:
        partner.objects |= {
            "locations": [objects.location(f"L{n}", owner=OWNER) for n in range(3)],
            "tariffs": [objects.tariff(owner=OWNER)],
            "sessions": [objects.session(f"S{n}", owner=OWNER) for n in range(2)],
            "cdrs": [],
        }
        yield partner


async def report_of(hub, partner, name="A CPO"):
    answer = await partner.register(hub.versions_url, await hub.invite(name))
    assert answer.json()["status_code"] == 1000, answer.text
    partner.heard.clear()
    return await check(hub.resources, (await hub.platform(name)).id)


def found(report, *ids):
    """(id, module) → (verdict, what it says), of the checks with these ids; of all that did not pass without."""
    return {
        (one.id, one.module): (one.verdict.value, one.said)
        for one in report.findings
        if (one.id in ids if ids else one.verdict.value != "pass")
    }


async def test_a_partner_that_conforms_passes_and_nothing_is_changed_there(hub, cpo):
    report = await report_of(hub, cpo)
    assert found(report) == {
        ("tls.https", None): ("warn", "plain http: credentials tokens cross the network in the clear")
    }
    assert len(report.findings) > 60
    assert {heard.method for heard in cpo.heard} == {"GET"}
    assert all(one.section for one in report.findings)
    assert report.document()["counts"]["fail"] == 0


async def test_our_own_simulators_pass(hub):
    def quiet(kind, text):
        """Nobody looks."""

    platforms = (
        SimulatedCpo(PartyId("NL", "SIM"), "Sim CPO", tell=quiet),
        SimulatedEmsp(PartyId("DE", "SIM"), "Sim eMSP", tell=quiet),
    )
    for platform in platforms:
        async with platform.serving():
            await platform.register(hub.versions_url, await hub.invite(platform.name))
            if isinstance(platform, SimulatedEmsp):
                platform.own["tokens"] = {t["uid"].lower(): t for t in (objects.token("T1", owner=("DE", "SIM")),)}
            report = await check(hub.resources, (await hub.platform(platform.name)).id)
            assert set(found(report)) == {("tls.https", None)}, found(report)


def page(every, **headers):
    """The same list whatever is asked for."""

    async def answer(_: web.Request):
        return web.json_response(ocpi.envelope(every), headers=headers)

    return answer


@pytest.mark.parametrize(
    ("module", "fault", "expected"),
    [
        ("locations", faults.status(500), {"list.read": "fail"}),
        ("locations", faults.html(), {"list.read": "fail"}),
        ("locations", faults.data({"a": 1}), {"list.read": "fail"}),
        ("locations", page([]), {"list.total": "warn", "list.x_limit": "warn", "headers.routing": "warn"}),
        (
            "locations",
            page([objects.location("L1", owner=OWNER)] * 2, **{"X-Total-Count": "2", "X-Limit": "50"}),
            {"list.limit": "fail", "list.date_from": "warn", "list.date_to": "warn", "objects.unique": "warn"},
        ),
        (
            "locations",
            page([objects.location("L1", owner=("BE", "XXX"))], **{"X-Total-Count": "7", "X-Limit": "50"}),
            {"list.link": "warn", "objects.owner": "fail"},
        ),
        (
            "tariffs",
            page([{"id": "T"}, objects.tariff(owner=OWNER, last_updated="2026-03-01T10:00:00+00:00")],
                 **{"X-Total-Count": "1", "X-Limit": "50"}),
            {"objects.valid": "fail", "objects.times": "warn", "list.fits": "fail"},
        ),
        (
            "locations",
            page([objects.location("L1", owner=OWNER)],
                 **{"X-Total-Count": "5", "X-Limit": "1", "Link": '<https://evil.example/x>; rel="next"'}),
            {"list.link_host": "fail"},
        ),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_list_is_told_by_name(hub, cpo, module, fault, expected):
    cpo.misbehave(fault, module=module)
    report = await report_of(hub, cpo)
    verdicts = {id_: verdict for (id_, where), (verdict, _) in found(report).items() if where == module}
    assert expected.items() <= verdicts.items(), verdicts
    assert all(one.advice for one in report.findings if one.verdict.value != "pass")


async def test_a_next_link_that_gives_the_same_page(hub, cpo):
    every = [objects.location("L1", owner=OWNER)]

    async def answer(request: web.Request):
        headers = {"X-Total-Count": "5", "X-Limit": "1", "Link": f'<{request.url}>; rel="next"'}
        return web.json_response(ocpi.envelope(every), headers=headers)

    cpo.misbehave(answer, module="locations")
    said = ("fail", "the next page has the same objects, or none (HTTP 200 with 1000)")
    assert found(await report_of(hub, cpo), "list.next")[("list.next", "locations")] == said


async def test_tokens(hub):
    async with Partner(("CPO", *OWNER), understands={"raw"}) as raw:
        report = await report_of(hub, raw, "Raw")
    assert found(report, "token.encoding", "token.wrong") == {
        ("token.encoding", None): ("warn", "the credentials token is only taken raw"),
        ("token.wrong", None): ("pass", "a wrong credentials token gets HTTP 401"),
    }


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [(None, "fail"), (faults.refuses(2001), "warn"), (faults.status(403), "warn"), (faults.status(500), "fail")],
)
async def test_a_wrong_token_must_get_401(hub, cpo, fault, verdict):
    async def open_door(request: web.Request):
        known = ocpi.decode(request.headers.get("Authorization", ""), encodings={"base64"}) & cpo.accepts
        if known:
            return None
        if fault is not None:
            return await fault(request)
        return web.json_response(ocpi.envelope(cpo.versions))

    cpo.misbehave(open_door, module="versions")
    assert found(await report_of(hub, cpo), "token.wrong")[("token.wrong", None)][0] == verdict


async def test_who_wraps_redirects_is_late_or_silent_is_told_so(hub):
    async with Partner(("CPO", *OWNER), wraps=True, name="Odd") as odd:
        answer = await odd.register(hub.versions_url, await hub.invite("Odd"))
        assert answer.json()["status_code"] == 1000

        async def late(request: web.Request):
            if not request.path.endswith("/"):
                return web.Response(status=307, headers={"Location": f"{request.path}/"})
            body = {"status_code": 1000, "timestamp": "2015-06-30T21:59:59Z", "data": odd.versions}
            return web.json_response(body)

        odd.misbehave(late, module="versions")
        report = await check(hub.resources, (await hub.platform("Odd")).id)
    wrong = {id_: verdict for (id_, _), (verdict, _) in found(report).items()}
    expected = {"details.object", "envelope.clock", "headers.request_id", "headers.correlation_id", "urls.redirect"}
    assert expected | {"hubclientinfo.receiver", "token.wrong"} <= set(wrong)
    assert wrong["token.wrong"] == "fail"
    assert report.verdict.value == "fail"


async def test_an_unknown_id_must_be_404(hub, cpo):
    cpo.objects["locations"] = []
    cpo.misbehave(faults.refuses(2003), module="locations")
    cpo.misbehave(faults.status(500), module="tokens")
    report = await report_of(hub, cpo)
    unknown = found(report, "object.unknown.sender", "object.unknown.receiver")
    assert unknown[("object.unknown.receiver", "tokens")][0] == "fail"


async def test_modules_that_a_role_needs_are_named(hub, cpo):
    cpo.endpoints = [e for e in cpo.endpoints if e["identifier"] != "commands"]
    report = await report_of(hub, cpo)
    assert found(report, "details.modules") == {
        ("details.modules", None): ("warn", "it does not offer commands RECEIVER")
    }


async def test_parties_and_endpoints_that_changed_since_the_handshake(hub, cpo):
    answer = await cpo.register(hub.versions_url, await hub.invite("A CPO"))
    assert answer.json()["status_code"] == 1000
    cpo.more = (("CPO", "BE", "NEW"),)
    cpo.endpoints = [*cpo.endpoints, {"identifier": "vendor", "role": "SENDER", "url": f"{cpo.url}/vendor"}]
    report = await check(hub.resources, (await hub.platform("A CPO")).id)
    assert {"credentials.roles", "details.known"} <= {id_ for id_, _ in found(report)}


async def test_a_partner_that_is_down_is_one_finding(hub, cpo):
    await report_of(hub, cpo)
    cpo.misbehave(faults.drops())
    report = await check(hub.resources, (await hub.platform("A CPO")).id)
    assert found(report, "versions.list") == {
        ("versions.list", None): ("fail", "GET versions: the connection was closed before the answer was complete")
    }
    assert len(report.findings) == 2


async def test_by_the_admin_rest_and_without_secrets(hub, cpo):
    await cpo.register(hub.versions_url, await hub.invite("A CPO"))
    answer = await hub.admin("POST", "/partners/A CPO/check")
    document = answer.json()
    assert (answer.status_code, document["verdict"]) == (200, "warn")
    assert {"id", "module", "section", "verdict", "said", "advice"} == set(document["checks"][0])
    assert not any(token in answer.text for token in cpo.accepts | {cpo.hub_token})
    await hub.invite("Planned")
    refused = await hub.admin("POST", "/partners/Planned/check")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_registered")
    assert (await hub.admin("POST", "/partners/Nobody/check")).status_code == 404


async def test_a_slow_partner_does_not_hold_it_up_for_ever(database_url, redis_url, cpo):
    async with running_hub(database_url, redis_url, partner_timeout=0.3) as hub:
        cpo.misbehave(faults.hangs(), module="locations")
        async with asyncio.timeout(60):
            report = await report_of(hub, cpo)
        assert found(report, "list.read")[("list.read", "locations")][0] == "fail"
