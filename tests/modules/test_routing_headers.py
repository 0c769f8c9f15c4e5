"""Whom a request is from and for, and how its answer is routed back: rows T5, R1, R2, R5, R8, C11, C14."""

import httpx
import pytest

from tests.modules.envelope import enveloped
from tests.world.hub import Hub
from tests.world.objects import location
from tests.world.partner import Partner

ABC = ("NL", "ABC")


def routed(answer: httpx.Response) -> tuple[str | None, str | None]:
    """(to, from) of an answer."""
    h = answer.headers

    def party(word: str) -> str | None:
        country = h.get(f"ocpi-{word}-country-code")
        return None if country is None else f"{country}/{h[f'ocpi-{word}-party-id']}"

    return party("to"), party("from")


@pytest.mark.parametrize(
    ("to", "from_", "answered_by"),
    [
        (None, "NL/ABC", "NL/HUB"),
        ("NL/HUB", "nl/abc", "NL/HUB"),
        ("nl/hub", "NL/ABC", "NL/HUB"),
        (None, None, "NL/HUB"),
    ],
)
async def test_answers_are_routed_back_in_the_case_that_the_parties_registered(
    hub: Hub, known: Partner, to: str | None, from_: str | None, answered_by: str
) -> None:
    answer = await known.get("locations", to=to, from_=from_)
    assert enveloped(answer)["status_code"] == 1000
    assert routed(answer) == ("NL/ABC", answered_by)


async def test_a_party_of_our_own_chargers_answers_an_emsp_in_its_own_case(
    hub: Hub, known: Partner, emsp: Partner
) -> None:
    await emsp.register(hub.versions_url, await hub.invite("An eMSP"))
    answer = await emsp.get("locations", to="nl/cpo")
    assert enveloped(answer)["status_code"] == 1000
    assert routed(answer) == (emsp.here, "NL/CPO")


async def test_errors_of_a_module_are_routed_back_too(hub: Hub, known: Partner) -> None:
    for answer in (
        await known.get("locations", "no-such-location"),
        await known.put("locations", "NL/ABC/1", {}),
        await known.put("locations", "NL/ABC/1", None, content="{"),
        await known.call("DELETE", "locations", "NL/ABC/1"),
    ):
        assert enveloped(answer)["status_code"] >= 2000
        assert routed(answer) == ("NL/ABC", "NL/HUB")


async def test_a_party_of_another_platform_cannot_be_pretended(hub: Hub, known: Partner, emsp: Partner) -> None:
    """R5, and X13 in part."""
    await emsp.register(hub.versions_url, await hub.invite("An eMSP"))
    for spoofed in ("NL/ABC", "FR/WHO", "NL/HUB", "NL/CPO"):
        answer = await emsp.get("locations", from_=spoofed)
        assert answer.status_code == 200
        assert enveloped(answer)["status_code"] == 2001
        assert "OCPI-from" in answer.json()["status_message"]
        assert routed(answer) == (None, None)


async def test_a_platform_with_several_parties_must_say_which(hub: Hub, cpo: Partner) -> None:
    cpo.more = (("EMSP", "NL", "DEF"),)
    await cpo.register(hub.versions_url, await hub.invite())
    assert enveloped(await cpo.get("locations", from_=None))["status_code"] == 2001
    assert enveloped(await cpo.get("locations", from_="NL/DEF"))["status_code"] == 1000


async def test_a_party_with_two_roles_is_one_party(hub: Hub, cpo: Partner) -> None:
    cpo.more = (("EMSP", "NL", "ABC"),)
    await cpo.register(hub.versions_url, await hub.invite())
    assert enveloped(await cpo.get("locations", from_=None))["status_code"] == 1000


@pytest.mark.parametrize(
    "headers",
    [
        {"OCPI-to-country-code": "NL"},
        {"OCPI-to-party-id": "HUB"},
        {"OCPI-to-country-code": "NLD", "OCPI-to-party-id": "HUB"},
        {"OCPI-to-country-code": "NL", "OCPI-to-party-id": "TOOLONG"},
        {"OCPI-to-country-code": "N/", "OCPI-to-party-id": "HUB"},
    ],
)
async def test_half_or_broken_routing_headers_are_2001(hub: Hub, known: Partner, headers: dict[str, str]) -> None:
    answer = await known.get("locations", headers=headers)
    assert answer.status_code == 200
    assert enveloped(answer)["status_code"] == 2001
    assert "OCPI-to" in answer.json()["status_message"]


async def test_an_unknown_receiver_is_4001(hub: Hub, known: Partner) -> None:
    answer = await known.get("locations", to="XX/YYY")
    assert answer.status_code == 200
    assert enveloped(answer)["status_code"] == 4001
    assert routed(answer) == ("NL/ABC", "NL/HUB")


async def test_two_cpos_have_nothing_to_say_to_each_other(hub: Hub, known: Partner) -> None:
    async with Partner(("CPO", "BE", "TWO")) as second:
        await second.register(hub.versions_url, await hub.invite("second"))
        answer = await second.put("locations", "BE/TWO/1", location(owner=("BE", "TWO")), to="NL/ABC")
    assert enveloped(answer)["status_code"] == 4001
