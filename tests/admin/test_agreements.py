"""Agreements by the admin REST and the command line: what is taken, what is refused, and how it is shown."""

from typing import Any

import pytest

from tests.world.hub import running_hub
from tests.world.partner import Partner

BODY = {"parties": ["NL/ABC", "de/xyz"], "modules": ["Locations", "cdrs", "cdrs"], "note": "paper 7"}


@pytest.fixture
async def hub(database_url, redis_url):
    async with running_hub(database_url, redis_url) as running:
        yield running


async def test_an_agreement_is_made_changed_shown_and_removed(hub):
    made = await hub.admin("PUT", "/agreements/contract-7", BODY)
    assert made.status_code == 201
    document = made.json()
    assert document.pop("changed_at")
    assert document == {
        "id": "contract-7",
        "parties": ["NL/ABC", "de/xyz"],
        "modules": ["cdrs", "locations"],
        "allowed": True,
        "valid_from": None,
        "valid_until": None,
        "note": "paper 7",
        "in_force": True,
        "warnings": [
            "there is no party NL/ABC yet: the agreement waits for it",
            "there is no party de/xyz yet: the agreement waits for it",
        ],
    }
    changed = await hub.admin("PUT", "/agreements/contract-7", BODY | {"valid_until": "2026-01-01T00:00:00Z"})
    assert (changed.status_code, changed.json()["in_force"]) == (200, False)
    assert (await hub.admin("GET", "/agreements/contract-7")).json() == changed.json()
    await hub.admin("PUT", "/agreements/all", {"parties": ["*", "*"], "allowed": False})

    def ids(answer: Any) -> list[str]:
        return [one["id"] for one in answer.json()]

    assert ids(await hub.admin("GET", "/agreements")) == ["all", "contract-7"]
    assert ids(await hub.admin("GET", "/agreements?party=nl/abc")) == ["all", "contract-7"]
    assert ids(await hub.admin("GET", "/agreements?party=FR/EM2")) == ["all"]
    assert (await hub.admin("DELETE", "/agreements/contract-7")).status_code == 204
    for verb in ("GET", "DELETE"):
        assert (await hub.admin(verb, "/agreements/contract-7")).status_code == 404


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"parties": ["NL/ABC"]}, "parties"),
        ({"parties": ["NL/ABC", "NL-XYZ"]}, "parties.1"),
        ({"parties": ["NL/ABC", "nl/abc"]}, "parties"),
        ({"modules": []}, "modules"),
        ({"modules": ["hubclientinfo"]}, "modules"),
        ({"modules": ["so me"]}, "modules"),
        ({"modules": ["locations", "locatoins"]}, "modules: there is no module locatoins"),
        ({"valid_from": "2026-03-01T10:00:00"}, "valid_from"),
        ({"valid_from": "2026-03-02T00:00:00Z", "valid_until": "2026-03-02T00:00:00Z"}, "valid_until"),
        ({"forbidden": True}, "forbidden"),
        ({"note": "x" * 1001}, "note"),
    ],
)
async def test_what_can_be_no_agreement_is_refused_by_its_field(hub, changes, named):
    answer = await hub.admin("PUT", "/agreements/x", BODY | changes)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith(named)
    assert (await hub.admin("GET", "/agreements")).json() == []


async def test_an_unknown_module_is_answered_with_those_that_there_are(hub):
    answer = await hub.admin("PUT", "/agreements/x", BODY | {"modules": ["location"]})
    assert answer.json()["error"]["message"] == (
        "modules: there is no module location, neither in OCPI nor at a partner: "
        "cdrs, chargingprofiles, commands, locations, sessions, tariffs, tokens"
    )


async def test_a_module_of_a_partners_own_is_one_and_a_party_that_is_here_needs_no_warning(hub):
    async with Partner(party=("CPO", "NL", "ABC")) as partner:
        partner.endpoints.append({"identifier": "acme-parking", "role": "SENDER", "url": f"{partner.url}/parking"})
        await partner.register(hub.versions_url, await hub.invite())
        own = f"{hub.settings.cpo_country_code}/{hub.settings.cpo_party_id}"
        body = {"parties": ["nl/abc", own], "modules": ["Acme-Parking"]}
        answer = await hub.admin("PUT", "/agreements/x", body)
    assert (answer.status_code, answer.json()["modules"], answer.json()["warnings"]) == (201, ["acme-parking"], [])


async def test_an_id_is_one_word(hub):
    assert (await hub.admin("PUT", "/agreements/a%20b", BODY)).status_code == 422
