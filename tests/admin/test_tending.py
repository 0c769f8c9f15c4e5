"""Pulling and telling again by the admin REST and the terminal, with a worker that works."""

from datetime import UTC, datetime, timedelta

import pytest
import typer
from pydantic import ValidationError

from ocpi_hub.admin.tending import PullBody
from ocpi_hub.cli.output import CommandFailed
from ocpi_hub.cli.tending import read_since, watch
from tests.world import faults, objects
from tests.world.hub import running_hub
from tests.world.partner import Partner

OWNER = ("NL", "ABC")


@pytest.fixture
async def hub(database_url, redis_url):
    async with running_hub(database_url, redis_url, works=True) as running:
        yield running


@pytest.fixture
async def cpo(hub):
    async with Partner(("CPO", *OWNER), name="A CPO", page_size=2) as partner:
        answer = await partner.register(hub.versions_url, await hub.invite("A CPO"))
        assert answer.json()["status_code"] == 1000
        partner.objects["locations"] = [objects.location(f"L{n}", owner=OWNER) for n in range(3)]
        yield partner


async def test_a_pull_is_asked_for_watched_and_reported(hub, cpo):
    cpo.objects["tariffs"] = [objects.tariff(owner=OWNER), {"id": "BROKEN"}]
    said = []
    lines = await watch(hub.resources, "A CPO", PullBody(full=True), tell=said.append)
    assert [line["module"] for line in lines] == ["tariffs", "locations", "sessions", "cdrs"]
    by_module = {line["module"]: line["last"] for line in lines}
    assert (by_module["locations"]["new"], by_module["locations"]["why"]) == (3, "operator")
    assert (by_module["tariffs"]["new"], by_module["tariffs"]["bad"]) == (1, 1)
    shown = (await hub.admin("GET", "/partners/A CPO")).json()["pull"]
    assert [line["module"] for line in shown] == ["tariffs", "locations", "sessions", "cdrs"]
    assert shown[1]["last"]["outcome"] == "done"
    report = (await hub.admin("GET", "/partners/A CPO/pulls")).json()
    [tariffs] = [run for run in report["runs"] if run["module"] == "tariffs"]
    assert tariffs["problems"][0]["object"] == "BROKEN"
    assert "country_code: is required" in tariffs["problems"][0]["reason"]
    metrics = (await cpo._client.get(f"{hub.url}/metrics")).text
    assert 'ocpi_pull_failures{module="locations",name="A CPO"' in metrics
    assert 'ocpi_missing_objects{module="locations",name="A CPO"' in metrics


async def test_what_is_missing_is_shown(hub, cpo):
    await watch(hub.resources, "A CPO", PullBody(), tell=lambda _: None)
    cpo.objects["locations"].pop()
    answer = await hub.admin("POST", "/partners/A CPO/pull", {"module": "locations", "full": True})
    assert (answer.status_code, answer.json()["modules"]) == (202, ["locations"])
    [line] = await watch(hub.resources, "A CPO", PullBody(module="locations", full=True), tell=lambda _: None)
    assert line["missing"] == 1
    [missing] = (await hub.admin("GET", "/partners/A CPO/pulls")).json()["missing"]
    assert (missing["object"], missing["owner"], missing["hidden"]) == ("l2", "nl/abc", False)


async def test_a_failed_pull_says_why(hub, cpo):
    cpo.misbehave(faults.refuses(3000, "out of order"), module="locations")
    [line] = await watch(hub.resources, "A CPO", PullBody(module="locations"), tell=lambda _: None)
    assert line["last"]["outcome"] == "failed"
    assert "out of order" in line["last"]["error"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/partners/Nobody/pull", {}, 404, "not_found"),
        ("/partners/A CPO/pull", {"module": "tokens"}, 409, "nothing_to_pull"),
        ("/partners/A CPO/pull", {"module": "commands"}, 422, "invalid"),
        ("/partners/A CPO/pull", {"full": "x", "foo": 1}, 422, "invalid"),
        ("/partners/A CPO/replay", {}, 422, "invalid"),
        ("/partners/A CPO/replay", {"since": "2026-03-01T10:00:00"}, 422, "invalid"),
        ("/partners/A CPO/replay", {"since": "yesterday"}, 422, "invalid"),
        ("/partners/Nobody/replay", {"since": "2026-03-01T10:00:00Z"}, 404, "not_found"),
        ("/partners/Planned/pull", {}, 409, "not_connected"),
        ("/partners/Planned/replay", {"since": "2026-03-01T10:00:00Z"}, 409, "not_registered"),
    ],
)
async def test_bad_input_is_told(hub, cpo, path, body, status, code):
    await hub.invite("Planned")
    answer = await hub.admin("POST", path, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


async def test_replay_owes_again_what_a_partner_lost(hub, cpo):
    async with Partner(("EMSP", "DE", "MSP"), name="An eMSP") as emsp:
        await emsp.register(hub.versions_url, await hub.invite("An eMSP"))
        since = datetime.now(UTC)
        await cpo.put("locations", "NL/ABC/L1", objects.location("L1", owner=OWNER), to=hub.party)
        await emsp.hears("locations", "PUT")
        answer = await hub.admin("POST", "/partners/An eMSP/replay", {"since": since.isoformat()})
        assert (answer.status_code, answer.json()["owed"], answer.json()["total"]) == (200, {"locations": 1}, 1)
        await emsp.hears("locations", "PUT", count=2)


async def test_without_a_worker_the_terminal_does_not_wait_for_ever(database_url, redis_url):
    async with running_hub(database_url, redis_url) as hub, Partner(("CPO", *OWNER), name="A CPO") as cpo:
        await cpo.register(hub.versions_url, await hub.invite("A CPO"))
        with pytest.raises(CommandFailed, match="no worker has begun"):
            await watch(hub.resources, "A CPO", PullBody(), tell=lambda _: None, patience=0)


def test_since_is_a_time_or_how_long_ago():
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert read_since("2h", now) == now - timedelta(hours=2)
    assert read_since("7d", now) == now - timedelta(days=7)
    assert read_since("2026-03-01T10:00:00", now) == now - timedelta(hours=2)
    with pytest.raises(typer.BadParameter):
        read_since("yesterday", now)
    with pytest.raises(ValidationError):
        PullBody.model_validate({"module": "commands"})
