"""A partner's profile at the OCPI face: setting it, numbers in quotes, lists as it wants them, wrapped answers."""

import pytest

from tests.world import objects
from tests.world.partner import Partner


async def join(hub, partner, name):
    answer = await partner.register(hub.versions_url, await hub.invite(name))
    assert answer.json()["status_code"] == 1000, answer.text
    return (await hub.platform(name)).id


async def test_the_operator_sets_and_sees_a_profile(hub, cpo):
    id_ = await join(hub, cpo, "A CPO")
    answer = await hub.admin("PATCH", f"/partners/{id_}", {"profile": {"push": "patch", "page_size": 20}})
    assert answer.json()["profile"] == {"push": "patch", "page_size": 20}
    answer = await hub.admin("PATCH", f"/partners/{id_}", {"profile": {"push": None}})
    assert answer.json()["profile"] == {"page_size": 20}
    assert answer.json()["profile_in_force"]["push"] == "put"
    assert answer.json()["learned"]["token_encoding"] == {"value": "base64", "how": "the handshake"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"push": "x"}, "profile.push: must be 'put' or 'patch'"),
        ({"colour": 1}, "profile: has no colour; it knows"),
        ({"pull": {"locations": {"every": 1}}}, "profile.pull.locations.every: must be at least 60"),
    ],
)
async def test_a_wrong_profile_is_422_and_changes_nothing(hub, cpo, wrong, said):
    id_ = await join(hub, cpo, "A CPO")
    answer = await hub.admin("PATCH", f"/partners/{id_}", {"profile": wrong})
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]
    assert (await hub.admin("GET", f"/partners/{id_}")).json()["profile"] == {}


async def test_numbers_in_quotes_are_taken_from_whom_it_is_known(hub, cpo, emsp):
    id_ = await join(hub, cpo, "A CPO")
    await join(hub, emsp, "An eMSP")
    tariff = objects.tariff(owner=("NL", "ABC"))
    tariff["elements"][0]["price_components"][1]["price"] = "0.250"
    refused = await cpo.put("tariffs", "NL/ABC/TARIFF1", tariff, to=hub.party)
    assert refused.json()["status_code"] == 2001
    await hub.admin("PATCH", f"/partners/{id_}", {"profile": {"numeric_strings": True}})
    taken = await cpo.put("tariffs", "NL/ABC/TARIFF1", tariff, to=hub.party)
    assert (taken.status_code, taken.json()["status_code"]) == (201, 1000)
    listed = await emsp.get("tariffs", to=hub.party)
    assert '"price":0.250' in listed.text.replace(" ", ""), "a number for everybody else, digit by digit"


async def test_a_patch_of_a_child_with_numbers_in_quotes(hub, cpo):
    id_ = await join(hub, cpo, "A CPO")
    await hub.admin("PATCH", f"/partners/{id_}", {"profile": {"numeric_strings": True}})
    await cpo.put("locations", "NL/ABC/LOC1", objects.location(owner=("NL", "ABC")), to=hub.party)
    change = {"max_amperage": "16", "last_updated": "2026-03-01T11:00:00Z"}
    answer = await cpo.patch("locations", "NL/ABC/LOC1/EVSE1/1", change, to=hub.party)
    assert answer.json()["status_code"] == 1000
    whole = (await cpo.call("GET", "locations", "NL/ABC/LOC1", to=hub.party)).json()["data"]
    assert whole["evses"][0]["connectors"][0]["max_amperage"] == 16


async def test_lists_are_given_as_the_caller_wants_them(hub, cpo, emsp):
    await join(hub, cpo, "A CPO")
    id_ = await join(hub, emsp, "An eMSP")
    await cpo.put("locations", "NL/ABC/LOC1", objects.location(owner=("NL", "ABC")), to=hub.party)
    await hub.admin("PATCH", f"/partners/{id_}", {"profile": {"nulls": "explicit", "times": "milliseconds"}})
    [location] = (await emsp.get("locations", to=hub.party)).json()["data"]
    assert (location["operator"], location["last_updated"]) == (None, "2026-03-01T10:00:00.000Z")


async def test_wrapping_is_learned_and_the_hub_s_own_choice_of_an_answer_is_unwrapped(hub, cpo):
    async with Partner(("EMSP", "DE", "XYZ"), name="Wrapper", wraps=True) as emsp:
        await join(hub, cpo, "A CPO")
        id_ = await join(hub, emsp, "Wrapper")
        document = (await hub.admin("GET", f"/partners/{id_}")).json()
        assert document["learned"]["wraps_objects"]["value"] is True
        token = objects.token("T1", owner=("DE", "XYZ"))
        emsp.authorizes["T1"] = {"allowed": "ALLOWED", "token": token}
        opened = await cpo.post("tokens", "T1/authorize", {}, role="SENDER")
        assert opened.json()["data"]["allowed"] == "ALLOWED"
        direct = await cpo.post("tokens", "T1/authorize", {}, role="SENDER", to="DE/XYZ")
        assert direct.json()["data"][0]["allowed"] == "ALLOWED", "from party to party nothing is touched"
