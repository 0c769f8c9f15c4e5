"""The handshake that we begin: rows C7-C9, V3, V5, T2; over real HTTP against a real partner that calls back."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from ocpi_hub.base.secrets import Vault
from ocpi_hub.partners import handshake, jobs, keyring
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.exploring import HandshakeFailed, explore
from tests.world import faults, ocpi
from tests.world.hub import Hub, running_hub
from tests.world.partner import Partner


async def connect(hub: Hub, partner: Partner, **changed: Any) -> str:
    given: dict[str, Any] = {"versions_url": partner.versions_url, "credentials_token": partner.issue()} | changed
    return await handshake.connect(hub.resources, "Partner", given["versions_url"], given["credentials_token"])


async def nothing_is_kept(hub: Hub) -> bool:
    async with hub.resources.sessions() as db:
        counts = [
            (await db.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()
            for table in ("platform", "party", "endpoint", "credentials_token")
        ]
    return not any(counts)


async def works_both_ways(hub: Hub, partner: Partner, platform_id: str) -> None:
    """The pair of credentials tokens that both sides hold is good."""
    entry = (await hub.resources.one(Directory).now()).platform(platform_id)
    assert entry is not None
    assert entry.their_credentials_token is not None
    ours = Vault.of(hub.settings).unseal(entry.their_credentials_token)
    await explore(hub.resources, partner.versions_url, ours)
    answer = await partner.get("locations")
    assert (answer.status_code, answer.json()["status_code"]) == (200, 1000)


async def test_connect_registers_us(hub: Hub) -> None:
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        platform_id = await connect(hub, partner)

        assert [(h.method, h.module) for h in partner.heard] == [
            ("GET", "versions"),
            ("GET", "details"),
            ("POST", "credentials"),
        ]
        given = partner.told("credentials")[0].json
        assert given["url"] == hub.versions_url
        assert given["roles"] == [
            {"role": "HUB", "business_details": {"name": "OCPI Hub"}, "party_id": "HUB", "country_code": "NL"}
        ]
        assert partner.called_back == [200]  # C8: our token was good before our POST was answered
        [platform] = await hub.platforms()
        assert platform["id"] == platform_id
        assert platform["status"] == "CONNECTED"
        assert [p["party_id"] for p in platform["parties"]] == ["XYZ"]
        assert platform["version"] == "2.2.1"
        await works_both_ways(hub, partner, platform_id)


@pytest.mark.parametrize(
    "changed",
    [
        {"credentials_code": 201},
        {"wraps": True},
        {"understands": {"raw"}},
        {"understands": {"raw"}, "encoding": "raw"},
        {"understands": {"base64", "raw"}, "encoding": "newline"},
        {"calls_back": False},
    ],
)
async def test_partners_differ(hub: Hub, changed: dict[str, Any]) -> None:
    async with Partner(("EMSP", "DE", "XYZ"), **changed) as partner:
        platform_id = await connect(hub, partner)
        if not partner.calls_back:
            await partner.learn(hub.versions_url, partner.hub_token or "")
        await works_both_ways(hub, partner, platform_id)


async def test_the_best_common_version_is_taken(hub: Hub) -> None:
    """V5: wherever it stands in the list, and whatever else does."""
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        others = [{"version": v, "url": f"{partner.url}/ocpi/{v}"} for v in ("2.0", "2.1.1", "2.3.0", "3.0-rc")]
        partner.versions = [*others[:2], *partner.versions, *others[2:]]
        await connect(hub, partner)
        assert (await hub.platforms())[0]["version"] == "2.2.1"


async def test_our_token_opens_only_versions_and_credentials_while_the_post_is_open(hub: Hub) -> None:
    async with Partner(("EMSP", "DE", "XYZ"), calls_back=False) as partner:
        gate = asyncio.Event()
        partner.misbehave(faults.held(gate), module="credentials")
        connecting = asyncio.create_task(connect(hub, partner))
        [post] = await partner.hears("credentials")
        token_b = post.json["token"]

        assert (await partner.request("GET", post.json["url"], token=token_b)).status_code == 200
        details = f"{hub.url}/ocpi/2.2.1"
        assert (await partner.request("GET", details, token=token_b)).status_code == 200
        echoed = await partner.request("GET", f"{details}/credentials", token=token_b)
        assert echoed.json()["data"]["token"] == token_b
        assert (await partner.request("GET", f"{details}/sender/locations", token=token_b)).status_code == 401
        for method in ("POST", "PUT", "DELETE"):
            answer = await partner.request(method, f"{details}/credentials", token=token_b, json={})
            assert answer.status_code == 405

        gate.set()
        await connecting
        assert (await partner.request("GET", f"{details}/sender/locations", token=token_b)).status_code == 200


FAILURES = [
    ("versions", faults.status(500), "versions", 500),
    ("versions", faults.status(401), "versions", 401),
    ("versions", faults.html(), "versions", 200),
    ("versions", faults.data([{"version": "2.1.1", "url": "http://127.0.0.1/"}]), "versions", None),
    ("details", faults.endless(), "details", 200),
    ("details", faults.data({"version": "2.2.1", "endpoints": []}), "endpoints", None),
    ("credentials", faults.status(405), "credentials", 405),
    ("credentials", faults.refuses(3001, "we cannot reach you"), "credentials", 200),
    ("credentials", faults.html(502), "credentials", 502),
    ("credentials", faults.drops(), "credentials", None),
    ("credentials", faults.data({"token": "x"}), "credentials", 200),
    ("credentials", faults.data(None), "credentials", 200),
    ("credentials", faults.data([]), "credentials", 200),
]


@pytest.mark.parametrize(("module", "fault", "step", "http_status"), FAILURES)
async def test_a_failure_names_its_step_and_leaves_nothing(
    hub: Hub, module: str, fault: faults.Fault, step: str, http_status: int | None
) -> None:
    """C7: no POST without the endpoints; C8: our token is revoked."""
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        partner.misbehave(fault, module=module)
        with pytest.raises(HandshakeFailed) as raised:
            await connect(hub, partner)
        assert raised.value.details["step"] == step
        assert raised.value.details["http_status"] == http_status
        assert len(partner.told("credentials")) == (1 if module == "credentials" else 0)
        assert await nothing_is_kept(hub)
        for heard in partner.told("credentials"):
            answer = await partner.request("GET", hub.versions_url, token=heard.json["token"])
            assert answer.status_code == 401

        partner.behave()
        await works_both_ways(hub, partner, await connect(hub, partner))


async def test_what_the_partner_said_reaches_the_operator_without_secrets(hub: Hub) -> None:
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        partner.misbehave(faults.refuses(2001, "your url is not https"), module="credentials")
        token_a = partner.issue()
        body = {"name": "Partner", "versions_url": partner.versions_url, "credentials_token": token_a}
        answer = await hub.admin("POST", "/partners/connect", body)
        assert answer.status_code == 502
        error = answer.json()["error"]
        assert error["details"] == {"step": "credentials", "http_status": 200, "ocpi_status": 2001}
        assert "your url is not https" in error["message"]
        assert token_a not in answer.text


async def test_a_partner_that_never_answers_is_given_up(database_url: str, redis_url: str) -> None:
    async with (
        running_hub(database_url, redis_url, partner_timeout=0.3) as hub,
        Partner(("EMSP", "DE", "XYZ")) as partner,
    ):
        partner.misbehave(faults.hangs(), module="versions")
        with pytest.raises(HandshakeFailed, match="versions"):
            await connect(hub, partner)
        assert await nothing_is_kept(hub)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/ocpi/versions",
        "https://10.0.0.1/ocpi/versions",
        "ftp://127.0.0.1/versions",
        "http://name:secret@127.0.0.1/versions",
        "http://",
        "not a url",
    ],
)
async def test_a_url_that_we_may_not_call_is_refused_at_once(hub: Hub, url: str) -> None:
    with pytest.raises(HandshakeFailed) as raised:
        await handshake.connect(hub.resources, "Partner", url, "token")
    assert raised.value.step == "versions"
    assert await nothing_is_kept(hub)


async def test_without_partner_networks_only_https_is_called(database_url: str, redis_url: str) -> None:
    async with (
        running_hub(database_url, redis_url, partner_networks="") as hub,
        Partner(("EMSP", "DE", "XYZ")) as partner,
    ):
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(HandshakeFailed, match="https is needed"):
                await connect(hub, partner, versions_url=f"http://{host}:{partner.port}/ocpi/versions")
        assert partner.heard == []


async def test_a_partner_with_anothers_party_is_told_that_it_is_off(hub: Hub) -> None:
    async with Partner(("EMSP", "DE", "XYZ")) as first, Partner(("EMSP", "DE", "XYZ")) as second:
        await connect(hub, first)
        with pytest.raises(HandshakeFailed) as raised:
            await connect(hub, second)
        assert raised.value.step == "parties"
        assert [h.method for h in second.told("credentials")] == ["POST", "DELETE"]
        assert len(await hub.platforms()) == 1
        assert (await first.get("locations")).status_code == 200


async def test_disconnect_tells_the_partner_and_ends_both_tokens(hub: Hub) -> None:
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        platform_id = await connect(hub, partner)
        token = partner.hub_token
        await handshake.disconnect(hub.resources, platform_id)
        assert [h.method for h in partner.told("credentials")] == ["POST", "DELETE"]
        assert (await partner.get("locations", token=token)).status_code == 401
        [platform] = await hub.platforms()
        assert (platform["status"], platform["registered"]) == ("SUSPENDED", False)

        again = await connect(hub, partner)
        assert again == platform_id  # the same connection is taken up again
        await works_both_ways(hub, partner, platform_id)


async def test_disconnect_from_a_partner_that_is_gone(hub: Hub) -> None:
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        platform_id = await connect(hub, partner)
        await partner.stop()
        await handshake.disconnect(hub.resources, platform_id)
        assert (await hub.platforms())[0]["status"] == "SUSPENDED"


# --- rotation (C9, C10) -----------------------------------------------------------------------------------------------


async def test_rotate_renews_both_tokens(hub: Hub) -> None:
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        platform_id = await connect(hub, partner)
        old_of_ours, old_of_theirs = partner.hub_token, set(partner.accepts)
        partner.more = (("CPO", "DE", "XYZ"),)

        await handshake.rotate(hub.resources, platform_id)

        put = partner.told("credentials", "PUT")[0]
        assert put.json["token"] == partner.hub_token != old_of_ours
        assert partner.accepts > old_of_theirs
        [platform] = await hub.platforms()
        assert [p["role"] for p in platform["parties"]] == ["EMSP", "CPO"]
        assert (await partner.get("locations", token=old_of_ours)).status_code == 200  # until the new one is seen
        await works_both_ways(hub, partner, platform_id)
        assert (await partner.get("locations", token=old_of_ours)).status_code == 401


async def test_c10_tokens_are_renewed_when_they_are_old(database_url: str, redis_url: str) -> None:
    async with (
        running_hub(database_url, redis_url, token_rotation=30 * 86400) as hub,
        Partner(("EMSP", "DE", "XYZ")) as partner,
        Partner(("CPO", "NL", "ABC")) as refusing,
    ):
        await connect(hub, refusing)
        refusing.misbehave(faults.refuses(2000), module="credentials", method="PUT")
        platform_id = await connect(hub, partner)
        old = partner.hub_token
        await jobs.renew_tokens(hub.resources)
        assert partner.told("credentials", "PUT") == refusing.told("credentials", "PUT") == []
        hub.clock.advance(31 * 86400)
        await jobs.renew_tokens(hub.resources)
        assert len(refusing.told("credentials", "PUT")) == 1
        assert len(partner.told("credentials", "PUT")) == 1
        assert partner.hub_token != old
        await works_both_ways(hub, partner, platform_id)
        await jobs.renew_tokens(hub.resources)
        assert len(partner.told("credentials", "PUT")) == 1


async def test_a_refused_rotation_takes_our_new_token_back(hub: Hub) -> None:
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        platform_id = await connect(hub, partner)
        partner.misbehave(faults.refuses(2000), module="credentials", method="PUT")
        with pytest.raises(HandshakeFailed, match="credentials"):
            await handshake.rotate(hub.resources, platform_id)
        [put] = partner.told("credentials", "PUT")
        assert (await partner.request("GET", hub.versions_url, token=put.json["token"])).status_code == 401
        await works_both_ways(hub, partner, platform_id)


@pytest.mark.parametrize(
    ("answered", "wrong"),
    [
        ({"status_code": 1000, "timestamp": "2026-11-20T10:00:00Z"}, "data: is required"),
        ({"status_code": 1000, "timestamp": "2026-11-20T10:00:00Z", "data": {"url": "https://a.b"}}, "data.token: is"),
    ],
)
async def test_what_is_missing_in_the_partners_credentials_is_named(hub: Hub, answered: object, wrong: str) -> None:
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        platform_id = await connect(hub, partner)
        partner.misbehave(faults.says(answered), module="credentials", method="PUT")
        with pytest.raises(HandshakeFailed, match=f"credentials cannot be used: {wrong}"):
            await handshake.rotate(hub.resources, platform_id)


async def test_a_rotation_whose_answer_was_lost_leaves_both_of_our_tokens_good(hub: Hub) -> None:
    """Nobody knows whether the partner took the new one."""
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        platform_id = await connect(hub, partner)
        old = partner.hub_token
        partner.misbehave(faults.drops(), module="credentials", method="PUT")
        with pytest.raises(HandshakeFailed):
            await handshake.rotate(hub.resources, platform_id)
        put = partner.told("credentials", "PUT")[0]
        assert (await partner.get("locations", token=old)).status_code == 200
        assert (await partner.get("locations", token=put.json["token"])).status_code == 200
        assert (await partner.get("locations", token=old)).status_code == 401  # now it is known


async def test_a_rotation_that_was_repeated_on_the_way_leaves_our_new_token_good(hub: Hub) -> None:
    """The partner took it, the answer was lost, and the second try came with a token that is dead by then."""
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        platform_id = await connect(hub, partner)
        partner.misbehave(faults.status(401), module="credentials", method="PUT")
        with pytest.raises(HandshakeFailed):
            await handshake.rotate(hub.resources, platform_id)
        put = partner.told("credentials", "PUT")[0]
        assert (await partner.get("locations", token=put.json["token"])).status_code == 200


async def test_one_rotation_at_a_time(hub: Hub) -> None:
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        platform_id = await connect(hub, partner)
        gate = asyncio.Event()
        partner.misbehave(faults.held(gate), module="credentials")
        first = asyncio.create_task(handshake.rotate(hub.resources, platform_id))
        await partner.hears("credentials", "PUT")
        with pytest.raises(HandshakeFailed, match="under way"):
            await handshake.rotate(hub.resources, platform_id)
        gate.set()
        await first
        await handshake.rotate(hub.resources, platform_id)
        await works_both_ways(hub, partner, platform_id)


async def test_a_handshake_that_took_too_long_is_off(hub: Hub) -> None:
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        gate = asyncio.Event()
        partner.misbehave(faults.held(gate), module="credentials", method="POST")
        connecting = asyncio.create_task(connect(hub, partner))
        await partner.hears("credentials")
        hub.clock.advance(3600)
        partner.calls_back = False
        gate.set()
        with pytest.raises(HandshakeFailed, match="ran out"):
            await connecting
        assert [h.method for h in partner.told("credentials")] == ["POST", "DELETE"]
        assert await nothing_is_kept(hub)


async def test_who_is_not_registered_cannot_be_rotated(hub: Hub) -> None:
    invitation = await hub.invitation()
    with pytest.raises(HandshakeFailed, match="not registered"):
        await handshake.rotate(hub.resources, invitation.platform_id)


async def test_of_requests_that_come_at_once_with_a_new_token_one_adopts_it_and_says_so(hub: Hub) -> None:
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        await connect(hub, partner)
        caller = await hub.resources.one(Directory).authenticate(ocpi.encode(partner.hub_token or ""))
        assert caller is not None
        assert not caller.adopted
        with capture_logs() as lines:
            await asyncio.gather(*(keyring.adopt(hub.resources, caller) for _ in range(8)))
        assert [line["event"] for line in lines].count("partner.credentials_adopted") == 1
        assert (await partner.get("locations")).status_code == 200
