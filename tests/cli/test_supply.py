"""Cards, tariffs, invitations and passwords of chargers, as a person at a terminal keeps them."""

import json

import httpx
import pytest

from tests.admin.test_admin import LOCATION, TARIFF
from tests.cli.hub import command_line
from tests.world.hub import ADMIN, running_hub


@pytest.fixture
def run(database_url, redis_url):
    return command_line(database_url, redis_url)


def failed(result, said):
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("ocpi-hub: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_one_card_is_shown(run):
    assert run("card", "put", "MASTER", "--master").returncode == 0
    assert json.loads(run("card", "show", "master").stdout)["master"] is True
    failed(run("card", "show", "04A1B2C3"), "there is no token 04A1B2C3")


def test_tariffs_are_kept_listed_and_not_taken_from_a_charger(run, tmp_path):
    file, place = tmp_path / "tariff.json", tmp_path / "l.json"
    file.write_text(json.dumps(TARIFF))
    place.write_text(json.dumps(LOCATION))
    assert "no tariff yet" in run("tariff", "list").stdout
    assert run("tariff", "put", "FAST", str(file)).stdout == "tariff FAST is kept: ENERGY 0.45 EUR\n"
    assert all(word in run("tariff", "list").stdout for word in ("FAST", "NL/CPO", "ENERGY 0.45"))
    assert json.loads(run("tariff", "show", "fast").stdout)["id"] == "FAST"
    evses = tmp_path / "evses.json"
    evses.write_text('[{"connectors": [{}]}]')
    words = ("--location", str(place), "--evses", str(evses), "--tariff", "FAST")
    assert run("charger", "add", "BOX-1", *words).returncode == 0
    failed(run("tariff", "remove", "FAST"), "FAST")
    assert run("charger", "remove", "BOX-1").returncode == 0
    assert run("tariff", "remove", "FAST").stdout == "tariff FAST is removed\n"
    failed(run("tariff", "show", "FAST"), "there is no tariff FAST")
    failed(run("tariff", "put", "FAST", str(tmp_path / "no.json")), "there is no file")
    file.write_text("[]")
    failed(run("tariff", "put", "FAST", str(file)), "must be a JSON object")


def test_the_same_location_file_is_the_same_location_and_its_id_is_printed(run, tmp_path):
    file = tmp_path / "l.json"
    file.write_text(json.dumps(LOCATION))

    def placed(charger_id):
        said = run("charger", "add", charger_id, "--location", str(file))
        assert said.returncode == 0, said.stderr
        return dict(line.split(maxsplit=1) for line in said.stdout.splitlines())["location"]

    first, second = placed("BOX-1"), placed("BOX-2")
    assert first == second
    assert json.loads(run("charger", "show", "BOX-2").stdout)["location_id"] == first
    file.write_text(json.dumps(LOCATION | {"address": "Damrak 2"}))
    assert placed("BOX-3") != first
    file.write_text(json.dumps(LOCATION | {"id": "DAMRAK"}))
    assert placed("BOX-4") == "DAMRAK"
    assert "none: partners do not see" in run("charger", "add", "BOX-5").stdout
    file.write_text("[]")
    failed(run("charger", "add", "BOX-6", "--location", str(file)), "must be a JSON object")


def test_a_password_is_set_by_hand_or_made(run):
    assert run("charger", "add", "BOX-1").returncode == 0
    made = json.loads(run("charger", "set-password", "BOX-1", "--json").stdout)
    assert (made["id"], len(made["password"])) == ("BOX-1", 32)
    said = run("charger", "set-password", "BOX-1", "--password", "correct-horse").stdout
    assert "correct-horse" not in said
    assert "set the new one at the charger" in said
    failed(run("charger", "set-password", "BOX-1", "--password", "short"), "must be 8 to 64")
    failed(run("charger", "set-password", "BOX-2"), "BOX-2")


def test_invitations_are_listed_and_withdrawn(run):
    assert "nobody is invited" in run("invitation", "list").stdout
    token = json.loads(run("partner", "invite", "GreenApp", "--party", "DE/APP/EMSP", "--json").stdout)
    listed = run("invitation", "list")
    assert all(word in listed.stdout for word in ("GreenApp", "PLANNED", "DE/APP EMSP"))
    assert token["credentials_token"] not in listed.stdout
    [one] = json.loads(run("invitation", "list", "--json").stdout)
    assert (one["partner"]["name"], one["parties"][0]["party_id"]) == ("GreenApp", "APP")
    assert "and is forgotten" in run("invitation", "withdraw", "greenapp").stdout
    failed(run("invitation", "withdraw", "GreenApp"), "there is no partner GreenApp")
    assert json.loads(run("invitation", "list", "--json").stdout) == []


async def test_an_invitation_that_is_withdrawn_opens_nothing(database_url, redis_url):
    async with running_hub(database_url, redis_url) as hub, httpx.AsyncClient(trust_env=False) as http:
        admin, key = f"{hub.url}/admin/v1", {"Authorization": f"Bearer {ADMIN}"}
        token = await hub.invite("GreenApp", parties=[("EMSP", "DE", "APP")])
        wanted = {"Authorization": f"Token {token}"}
        assert (await http.get(hub.versions_url, headers=wanted)).status_code == 200
        [one] = (await http.get(f"{admin}/invitations", headers=key)).json()
        assert one["partner"]["status"] == "PLANNED"
        answer = await http.delete(f"{admin}/invitations/GreenApp", headers=key)
        assert (answer.status_code, answer.json()["forgotten"]) == (200, True)
        assert (await http.get(hub.versions_url, headers=wanted)).status_code == 401
        assert (await http.delete(f"{admin}/invitations/GreenApp", headers=key)).status_code == 404
        assert (await http.get(f"{admin}/invitations")).status_code == 401
