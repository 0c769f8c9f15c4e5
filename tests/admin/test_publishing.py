"""Publications over the admin REST: from the call to the URIs that chargers fetch from, and what is refused."""

import pytest

from ocpi_hub.bridge import bridge_of
from tests.admin.house import charger, look_until, problem

IMAGE = "https://images.example/box-2.0.0.bin"
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
BODY = {"charger": "LC-1", "location": IMAGE, "checksum": MD5}


@pytest.fixture
def changed(tmp_path):
    return {"data_dir": tmp_path, "ping_interval": 2}


async def test_an_image_from_the_call_to_its_uris_and_back(hub):
    async with bridge_of(hub.resources).run() as bridge, charger(hub, bridge, "LC-1", "ocpp2.0.1") as box:
        made = await hub.admin("POST", "/publications", BODY)
        assert (made.status_code, made.json()["state"]) == (201, "Waiting")
        path = f"/publications/{made.json()['id']}"
        shown = await look_until(hub, path, lambda found: found["state"] == "Published", between=bridge.go_round)
        assert shown["uris"] == ["http://lc-1.local/box-2.0.0.bin"]
        assert problem(await hub.admin("POST", "/publications", BODY), 409, "charger_busy")["details"] == {
            "chargers": ["LC-1"]
        }
        box.workshop.in_use = True
        problem(await hub.admin("POST", f"{path}/unpublish"), 409, "download_ongoing")
        box.workshop.in_use = False
        gone = (await hub.admin("POST", f"{path}/unpublish")).json()
        assert (gone["state"], gone["uris"]) == ("Withdrawn", [])
        assert (await hub.admin("POST", f"{path}/unpublish")).json() == gone
        (listed,) = (await hub.admin("GET", "/publications?charger=lc-1")).json()
        assert listed == gone


async def test_one_that_waits_is_let_go_of_and_one_that_is_served_needs_its_controller(hub):
    await hub.admin("POST", "/chargers", {"id": "LC-1", "password": "secret-123"})
    made = (await hub.admin("POST", "/publications", BODY)).json()
    gone = (await hub.admin("POST", f"/publications/{made['id']}/unpublish")).json()
    assert (gone["state"], gone["detail"]) == ("Withdrawn", "taken back before it was asked for")
    again = (await hub.admin("POST", "/publications", BODY)).json()
    async with bridge_of(hub.resources).run() as bridge:
        async with charger(hub, bridge, "LC-1", "ocpp2.0.1"):
            path = f"/publications/{again['id']}"
            await look_until(hub, path, lambda found: found["state"] == "Published", between=bridge.go_round)
        await look_until(hub, "/chargers/LC-1", lambda found: not found["online"], between=bridge.go_round)
        problem(await hub.admin("POST", f"{path}/unpublish"), 409, "charger_offline")
    assert (await hub.admin("GET", path)).json()["state"] == "Published"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"checksum": "abc"}, "checksum"),
        ({"checksum": "g" * 32}, "checksum"),
        ({"location": "javascript:alert(1)"}, "a URL that begins with"),
        ({"retries": -1}, "retries"),
        ({"md5": MD5}, "md5"),
    ],
)
async def test_a_wrong_publication_is_refused_by_its_field(hub, change, said):
    assert said in problem(await hub.admin("POST", "/publications", BODY | change), 422, "invalid")["message"]


async def test_what_there_is_not_is_not_found(hub):
    problem(await hub.admin("POST", "/publications", BODY), 404, "not_found")
    problem(await hub.admin("GET", "/publications/7"), 404, "not_found")
    problem(await hub.admin("POST", "/publications/7/unpublish"), 404, "not_found")
