"""Upkeep over the admin REST: a roll-out and a log from the call to the charger and back, and what is refused."""

import httpx
import pytest

from ocpi_hub.admin import uploads
from ocpi_hub.bridge import bridge_of
from tests.admin.house import charger, look_until, problem

IMAGE = "https://images.example/box-2.0.0.bin"


@pytest.fixture
def changed(tmp_path):
    return {"data_dir": tmp_path, "upload_limit": 1000, "ping_interval": 2}


async def test_a_rollout_from_the_call_to_the_new_version(hub):
    async with bridge_of(hub.resources).run() as bridge, charger(hub, bridge, "BOX-1"):
        body = {"location": IMAGE, "group": {"vendor": "Simulated"}, "version": "2.0.0", "at_once": 5}
        started = await hub.admin("POST", "/firmware", body)
        assert started.status_code == 201
        job = started.json()
        assert (job["status"], job["counts"]["Waiting"], job["tasks"][0]["charger"]) == ("Running", 1, "BOX-1")
        assert problem(await hub.admin("POST", "/firmware", body), 409, "charger_busy")["details"] == {
            "chargers": ["BOX-1"]
        }
        path = f"/firmware/{job['id']}"
        shown = await look_until(hub, path, lambda job: job["status"] == "Finished", between=bridge.go_round)
        assert (shown["tasks"][0]["version_before"], shown["tasks"][0]["version_after"]) == ("1.0.0", "2.0.0")
        (listed,) = (await hub.admin("GET", "/firmware")).json()
        assert (listed["id"], "tasks" in listed) == (job["id"], False)


async def test_a_rollout_is_stopped_and_resumed(hub):
    await hub.admin("POST", "/chargers", {"id": "BOX-1"})
    job = (await hub.admin("POST", "/firmware", {"location": IMAGE, "chargers": ["box-1"]})).json()
    stopped = (await hub.admin("POST", f"/firmware/{job['id']}/stop")).json()
    assert (stopped["status"], stopped["reason"]) == ("Stopped", "the operator stopped it")
    resumed = (await hub.admin("POST", f"/firmware/{job['id']}/resume", {"retry_failed": True})).json()
    assert (resumed["status"], resumed["reason"]) == ("Running", None)
    assert (await hub.admin("POST", f"/firmware/{job['id']}/resume")).json()["status"] == "Running"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"chargers": ["X"]}, "location"),
        ({"location": "javascript:alert(1)", "chargers": ["X"]}, "a URL that begins with"),
        ({"location": IMAGE}, "name either chargers or a group"),
        ({"location": IMAGE, "chargers": ["X"], "group": {}}, "name either chargers or a group"),
        ({"location": IMAGE, "chargers": ["X"], "signature": "c2ln"}, "belong together"),
        ({"location": IMAGE, "chargers": ["X"], "at_once": 0}, "at_once"),
        ({"location": IMAGE, "chargers": ["X"], "signing_certifcate": "x"}, "signing_certifcate"),
    ],
)
async def test_a_wrong_rollout_is_refused_by_its_field(hub, body, said):
    assert said in problem(await hub.admin("POST", "/firmware", body), 422, "invalid")["message"]


async def test_what_there_is_not(hub):
    nobody = await hub.admin("POST", "/firmware", {"location": IMAGE, "chargers": ["NONE"]})
    assert problem(nobody, 422, "no_such_charger")["details"] == {"chargers": ["NONE"]}
    for verb, path in (
        ("GET", "/firmware/x"),
        ("POST", "/firmware/x/stop"),
        ("POST", "/firmware/x/resume"),
        ("GET", "/logs/x"),
        ("GET", "/logs/x/file"),
        ("DELETE", "/logs/x"),
    ):
        problem(await hub.admin(verb, path), 404, "not_found")
    problem(await hub.admin("POST", "/logs", {"charger": "NONE"}), 404, "not_found")


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_a_log_comes_to_us_and_can_be_read_and_forgotten(hub, protocol):
    async with bridge_of(hub.resources).run() as bridge, charger(hub, bridge, "BOX-1", protocol) as box:
        asked = await hub.admin("POST", "/logs", {"charger": "box-1", "from": "2026-01-01T00:00:00Z"})
        assert (asked.status_code, asked.json()["ours"], asked.json()["file"]) == (201, True, None)
        path = f"/logs/{asked.json()['id']}"
        await look_until(hub, path, lambda log: log["progress"] == "Uploaded", between=bridge.go_round)
        log = await look_until(hub, path, lambda log: log["filename"] is not None, between=bridge.go_round)
        assert (log["state"], log["size"], log["filename"]) == ("Done", len(box.workshop.log), "BOX-1.log")
        file = await hub.admin("GET", f"{path}/file")
        assert file.content == box.workshop.log
        assert "BOX-1.log" in file.headers["content-disposition"]
        assert [entry["id"] for entry in (await hub.admin("GET", "/logs?charger=BOX-1")).json()] == [log["id"]]
        assert (await hub.admin("DELETE", path)).status_code == 204
    assert list(uploads.folder(hub.resources).iterdir()) == []


async def test_an_upload_that_is_too_large_or_unasked_is_refused(hub):
    async with bridge_of(hub.resources).run() as bridge, charger(hub, bridge, "BOX-1") as box:
        box.workshop.log = b"x" * 1001
        log_id = (await hub.admin("POST", "/logs", {"charger": "BOX-1"})).json()["id"]
        log = await look_until(hub, f"/logs/{log_id}", lambda log: log["state"] == "Failed", between=bridge.go_round)
        assert (log["detail"], log["size"]) == ("the upload failed", None)
        problem(await hub.admin("GET", f"/logs/{log_id}/file"), 404, "no_file")
    async with httpx.AsyncClient() as client:
        for name in ("guess", "guess/box.log"):
            assert (await client.put(f"{hub.url}/uploads/{name}", content=b"x")).status_code == 404
    assert list(uploads.folder(hub.resources).iterdir()) == []


async def test_old_files_go(hub):
    import os

    place = uploads.folder(hub.resources)
    place.mkdir()
    for name, days in (("old", 31), ("new", 29), ("half.part", 2), ("fresh.part", 0)):
        (place / name).write_bytes(b"x")
        then = (place / name).stat().st_mtime - days * 86_400
        os.utime(place / name, (then, then))
    assert uploads.prune(hub.resources) == 2
    assert sorted(file.name for file in place.iterdir()) == ["fresh.part", "new"]
