"""A module's name in a URL has no case, whichever module it is; the ids behind it stay as they came."""

from collections.abc import Callable

import pytest

from tests.modules.envelope import enveloped
from tests.world.hub import Hub
from tests.world.objects import location
from tests.world.partner import Partner

SPELLED: list[Callable[[str], str]] = [str.upper, str.title, str.swapcase]
PATHS = ["", "/NL/ABC/1", "/START_SESSION"]


@pytest.mark.parametrize("spell", SPELLED, ids=["upper", "title", "swapped"])
async def test_every_module_is_found_in_any_case(hub: Hub, known: Partner, spell: Callable[[str], str]) -> None:
    assert len(known.hub_endpoints) == 16
    for (module, _), url in known.hub_endpoints.items():
        there, name = url.rsplit("/", 1)
        assert name == module
        for path in PATHS:
            for method in ("GET", "POST", "PUT"):
                if module == "credentials" and method != "GET":
                    continue  # they would change the connection
                answers = [
                    await known.request(method, f"{there}/{one}{path}", json={}, from_="NL/ABC")
                    for one in (name, spell(name))
                ]
                [plain, other] = [(one.status_code, enveloped(one)["status_code"]) for one in answers]
                assert other == plain, (method, module, path)


async def test_credentials_are_found_by_put_and_delete_too(hub: Hub, known: Partner) -> None:
    url = known.credentials_url.replace("credentials", "CREDENTIALS")
    token = known.issue()
    renewed = enveloped(await known.request("PUT", url, json=known.credentials(token)))
    assert renewed["status_code"] == 1000
    known.hub_token = renewed["data"]["token"]
    assert enveloped(await known.request("DELETE", url))["status_code"] == 1000


async def test_ids_stay_as_they_came(hub: Hub, known: Partner) -> None:
    url = known.hub_endpoints[("locations", "RECEIVER")].replace("locations", "LOCATIONS")
    document = location("LOCATIONS", owner=("NL", "ABC"))
    assert (await known.request("PUT", f"{url}/NL/ABC/LOCATIONS", json=document)).status_code == 201
    kept = await known.get("locations", "NL/ABC/LOCATIONS", role="RECEIVER")
    assert enveloped(kept)["data"] == document
