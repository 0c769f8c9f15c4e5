"""Versions and version details over real HTTP (version_information_endpoint.asciidoc; rows V1-V4)."""

import re

import pytest

from ocpi_hub.partners import register
from tests.world.hub import Hub
from tests.world.partner import Partner

ANY_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


async def test_versions_list_2_2_1_with_an_absolute_url(hub: Hub, cpo: Partner) -> None:
    answer = await cpo.request("GET", hub.versions_url, token=await hub.invite())

    assert answer.status_code == 200
    document = answer.json()
    assert ANY_TIME.fullmatch(document.pop("timestamp"))
    assert document == {"status_code": 1000, "data": [{"version": "2.2.1", "url": f"{hub.url}/ocpi/2.2.1"}]}


async def test_details_are_one_object_with_both_interfaces_of_every_module(hub: Hub, cpo: Partner) -> None:
    answer = await cpo.request("GET", f"{hub.url}/ocpi/2.2.1", token=await hub.invite())

    details = answer.json()["data"]
    assert details["version"] == "2.2.1"
    found = {(line["identifier"], line["role"]): line["url"] for line in details["endpoints"]}
    assert len(found) == len(details["endpoints"])
    for module in ("locations", "tariffs", "tokens", "sessions", "cdrs"):
        assert found[(module, "SENDER")] == f"{hub.url}/ocpi/2.2.1/sender/{module}"
        assert found[(module, "RECEIVER")] == f"{hub.url}/ocpi/2.2.1/receiver/{module}"
    assert found[("commands", "RECEIVER")] == f"{hub.url}/ocpi/2.2.1/receiver/commands"
    assert [module for module, _ in found].count("credentials") == 1
    assert found[("credentials", "SENDER")] == f"{hub.url}/ocpi/2.2.1/credentials"


async def test_the_details_cannot_lie(hub: Hub, cpo: Partner) -> None:
    """What is listed is there: a method that no interface has gets 405 below it, and not 404."""
    await cpo.register(hub.versions_url, await hub.invite())
    below = {"locations": "/NL/ABC/1", "tariffs": "/NL/ABC/1", "tokens": "/NL/ABC/1", "sessions": "/NL/ABC/1"}
    below["commands"] = "/START_SESSION"
    for (module, role), url in cpo.hub_endpoints.items():
        path = below.get(module, "") if role == "RECEIVER" else ""
        answer = await cpo.request("TRACE", url + path, from_=cpo.here)
        assert answer.status_code == 405, (module, role, answer.text)


async def test_configuration_modules_have_no_routing_headers(hub: Hub, cpo: Partner) -> None:
    await cpo.register(hub.versions_url, await hub.invite())
    for url in (hub.versions_url, f"{hub.url}/ocpi/2.2.1", cpo.credentials_url):
        answer = await cpo.request("GET", url, from_="NL/ABC", to="NL/HUB")
        assert answer.json()["status_code"] == 1000
        assert not [name for name in answer.headers if name.lower().startswith("ocpi-")]


async def test_a_partner_may_be_told_another_role_for_credentials(hub: Hub, cpo: Partner) -> None:
    invitation = await hub.invitation()
    async with hub.resources.unit_of_work() as db:
        profile = {"credentials_role": "RECEIVER"}
        await register.set_profile(db, hub.resources, invitation.platform_id, profile)

    await cpo.learn(hub.versions_url, invitation.credentials_token)

    assert [role for module, role in cpo.hub_endpoints if module == "credentials"] == ["RECEIVER"]


async def test_a_partner_that_puts_ids_right_behind_our_urls_gets_a_slash_there(hub: Hub, cpo: Partner) -> None:
    invitation = await hub.invitation()
    async with hub.resources.unit_of_work() as db:
        await register.set_profile(db, hub.resources, invitation.platform_id, {"endpoint_slash": True})

    await cpo.learn(hub.versions_url, invitation.credentials_token)
    assert all(url.endswith("/") for url in cpo.hub_endpoints.values())
    assert (await cpo.register(hub.versions_url, invitation.credentials_token)).json()["status_code"] == 1000
    glued = cpo.hub_endpoints[("locations", "RECEIVER")] + "NL/ABC/LOC1"
    assert (await cpo.request("GET", glued)).json()["status_code"] == 2003


@pytest.mark.parametrize("path", ["/ocpi/versions/", "//ocpi//versions", "/ocpi/versions//"])
async def test_slashes_at_the_end_and_double_ones_mean_nothing(hub: Hub, cpo: Partner, path: str) -> None:
    answer = await cpo.request("GET", hub.url + path, token=await hub.invite())
    assert answer.status_code == 200
    assert answer.json()["data"][0]["version"] == "2.2.1"


@pytest.mark.parametrize("path", ["/ocpi", "/ocpi/", "/ocpi/2.1.1", "/ocpi/nothing/here", "/ocpi/2.2.1/sender"])
async def test_what_is_not_there_is_404_in_the_envelope(hub: Hub, cpo: Partner, path: str) -> None:
    await cpo.register(hub.versions_url, await hub.invite())
    answer = await cpo.request("GET", hub.url + path)
    assert answer.status_code == 404
    assert answer.json()["status_code"] == 2001
    assert "detail" not in answer.json()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_versions_can_only_be_got(hub: Hub, cpo: Partner, method: str) -> None:
    answer = await cpo.request(method, hub.versions_url, token=await hub.invite())
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"
    if method != "HEAD":
        assert answer.json()["status_code"] == 2000
