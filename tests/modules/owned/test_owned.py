"""What holds for every client-owned object, tried on each kind: whose it is, what is refused, and the verbs."""

import json
from typing import Any

import pytest

from ocpi_hub.objects.kinds import KINDS, Kind
from tests.modules.owned.talking import ABC, LATER, MSP, data, ids, registered, said
from tests.world import objects
from tests.world.hub import Hub
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")

BUILDERS = {
    "locations": objects.location,
    "tariffs": objects.tariff,
    "tokens": objects.token,
    "sessions": objects.session,
    "cdrs": objects.cdr,
}
PUT_KINDS = [kind for kind in KINDS.values() if "PUT" in kind.verbs]
VERBS = {"GET", "PUT", "PATCH", "POST", "DELETE"}


def owner_of(kind: Kind) -> tuple[str, str]:
    return MSP if kind.module == "tokens" else ABC


def built(kind: Kind, object_id: str = "X1", **changes: Any) -> Any:
    return BUILDERS[kind.module](object_id, **({"owner": owner_of(kind)} | changes))


def path(kind: Kind, object_id: str = "X1") -> str:
    return "/".join((*owner_of(kind), object_id))


@pytest.fixture
def owner(request: pytest.FixtureRequest, cpo: Partner, emsp: Partner) -> Partner:
    """The partner that owns objects of the test's kind."""
    kind = request.getfixturevalue("kind")
    return emsp if kind.module == "tokens" else cpo


@pytest.mark.parametrize("kind", PUT_KINDS, ids=str)
class TestIdentity:
    """Requirements R5 and R6: URL, body and OCPI-from name the same owner and the same object."""

    async def test_put_and_read_back(self, kind: Kind, owner: Partner) -> None:
        assert said(await owner.put(kind.module, path(kind), built(kind))) == (201, 1000)
        assert said(await owner.put(kind.module, path(kind), built(kind))) == (200, 1000)
        assert data(await owner.get(kind.module, path(kind), role="RECEIVER")) == built(kind)

    async def test_another_id_in_the_body(self, kind: Kind, owner: Partner) -> None:
        answer = await owner.put(kind.module, path(kind), built(kind, "X2"))
        assert said(answer) == (200, 2001)
        assert answer.json()["status_message"].startswith(f"{kind.key_field}: ")
        for object_id in ("X1", "X2"):
            assert said(await owner.get(kind.module, path(kind, object_id), role="RECEIVER"))[0] == 404

    @pytest.mark.parametrize("field", ["country_code", "party_id"])
    async def test_another_owner_in_the_body(self, kind: Kind, owner: Partner, field: str) -> None:
        answer = await owner.put(kind.module, path(kind), built(kind) | {field: "ZZ"})
        assert said(answer) == (200, 2001)
        assert answer.json()["status_message"].startswith(f"{field}: ")

    async def test_a_party_of_another_platform(self, kind: Kind, owner: Partner, hub: Hub) -> None:
        """Also the parties of our own chargers, and parties that nobody has."""
        for cc, pid in (("BE", "BEC"), ("NL", "CPO"), ("TOOLONG", "X")):
            document = built(kind, owner=(cc, pid))
            for verb in ("PUT", "PATCH", "GET", "DELETE"):
                if verb in kind.verbs:
                    answer = await owner.call(verb, kind.module, f"{cc}/{pid}/X1", json=document)
                    assert said(answer) == (404, kind.unknown)

    async def test_a_party_that_owns_no_such_objects(self, kind: Kind, cpo: Partner, emsp: Partner, hub: Hub) -> None:
        other, party = (cpo, ABC) if kind.module == "tokens" else (emsp, MSP)
        answer = await other.put(kind.module, f"{party[0]}/{party[1]}/X1", built(kind, owner=party))
        assert said(answer) == (200, 2001)
        assert f"is not registered as {kind.owner.value}" in answer.json()["status_message"]

    async def test_a_spoofed_from_is_refused(self, kind: Kind, owner: Partner) -> None:
        answer = await owner.put(kind.module, path(kind), built(kind), from_="BE/BEC")
        assert said(answer) == (200, 2001)
        assert said(await owner.get(kind.module, path(kind), role="RECEIVER"))[0] == 404

    async def test_of_two_own_parties_the_owner_must_speak(self, kind: Kind, hub: Hub) -> None:
        role = kind.owner.value
        async with registered(hub, (role, "SE", "ONE"), (role, "SE", "TWO")) as both:
            document = built(kind, owner=("SE", "TWO"))
            answer = await both.put(kind.module, "SE/TWO/X1", document, from_="SE/ONE")
            assert said(answer) == (200, 2001)
            assert "OCPI-from" in answer.json()["status_message"]
            assert said(await both.put(kind.module, "SE/TWO/X1", document, from_="SE/TWO")) == (201, 1000)


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
class TestBodies:
    async def send(self, kind: Kind, owner: Partner, content: str | bytes) -> Any:
        verb, where = ("POST", "") if kind.immutable else ("PUT", path(kind))
        return await owner.call(verb, kind.module, where, content=content)

    @pytest.mark.parametrize("content", ["", "{", "{'id': 1}", b"\xff", '{"kwh": NaN}', "[" * 100_000])
    async def test_what_is_not_json(self, kind: Kind, owner: Partner, content: str | bytes) -> None:
        assert said(await self.send(kind, owner, content)) == (400, 2001)

    @pytest.mark.parametrize("content", ["[]", "null", '"text"', "1"])
    async def test_what_is_no_object(self, kind: Kind, owner: Partner, content: str) -> None:
        answer = await self.send(kind, owner, content)
        assert said(answer) == (200, 2001)
        assert "must be a JSON object" in answer.json()["status_message"]

    async def test_nul_in_a_string(self, kind: Kind, owner: Partner) -> None:
        assert said(await self.send(kind, owner, json.dumps(built(kind, x_note="a\0b")))) == (200, 2001)

    async def test_a_wrong_field_is_named(self, kind: Kind, owner: Partner) -> None:
        for changes, message in (
            ({"last_updated": None}, "last_updated: is required"),
            ({"last_updated": "soon"}, "last_updated: must be a DateTime"),
            ({kind.key_field: 5}, f"{kind.key_field}: must be a string"),
            ({"country_code": None}, "country_code: is required"),
        ):
            document = {name: value for name, value in (built(kind) | changes).items() if value is not None}
            answer = await self.send(kind, owner, json.dumps(document))
            assert said(answer) == (200, 2001)
            assert message in answer.json()["status_message"]

    async def test_the_content_type_does_not_matter(self, kind: Kind, owner: Partner) -> None:
        verb, where = ("POST", "") if kind.immutable else ("PUT", path(kind))
        headers = {"Content-Type": "text/plain"}
        answer = await owner.call(verb, kind.module, where, content=json.dumps(built(kind)), headers=headers)
        assert said(answer) == (201, 1000)


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
async def test_verbs_that_the_specification_does_not_have(kind: Kind, owner: Partner) -> None:
    for verb in sorted(VERBS - kind.verbs - ({"PUT"} if kind.immutable else set())):
        answer = await owner.call(verb, kind.module, path(kind), json=built(kind))
        assert said(answer) == (405, 2000)
        if not kind.immutable:
            assert answer.headers["allow"] == ", ".join(sorted(kind.verbs))


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
async def test_the_list_shows_what_the_opposite_role_may_see(kind: Kind, cpo: Partner, emsp: Partner) -> None:
    owner, reader = (emsp, cpo) if kind.module == "tokens" else (cpo, emsp)
    verb, where = ("POST", "") if kind.immutable else ("PUT", path(kind))
    assert said(await owner.call(verb, kind.module, where, json=built(kind))) == (201, 1000)
    asked = f"?date_from={LATER}" if kind.dated else ""
    url = reader.hub_endpoints[(kind.module, "SENDER")]
    since = "?date_from=2020-01-01T00:00:00Z" if kind.dated else ""
    answer = await reader.request("GET", f"{url}{since}", from_=reader.here)
    assert data(answer) == [built(kind)]
    assert asked == "" or ids(await reader.request("GET", f"{url}{asked}", from_=reader.here)) == []


async def test_the_openapi_document_has_every_route_typed(hub: Hub, cpo: Partner) -> None:
    document = (await cpo.request("GET", f"{hub.url}/openapi/ocpi.json")).json()
    put = document["paths"]["/ocpi/2.2.1/receiver/locations/{country_code}/{party_id}/{location_id}/{evse_uid}"]["put"]
    assert put["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/EVSE"}
    assert [one["name"] for one in put["parameters"]] == ["country_code", "party_id", "location_id", "evse_uid"]
    assert set(put["responses"]) == {"200", "201"}
    references = set(json.dumps(document).split('"#/components/schemas/')[1:])
    names = {reference.partition('"')[0] for reference in references}
    assert names <= set(document["components"]["schemas"])
    operations = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(operations) == len(set(operations))
