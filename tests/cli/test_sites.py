"""`ocpi-hub site …`, as a person uses it."""

import json
from datetime import UTC, datetime

import pytest

from ocpi_hub.cli.sites import leaves
from tests.cli.hub import command_line


def test_a_site_is_put_shown_listed_and_removed(database_url, redis_url, tmp_path):
    run = command_line(database_url, redis_url)
    assert "no site yet" in run("site", "list").stdout
    for box in ("BOX-1", "BOX-2"):
        assert run("charger", "add", box).returncode == 0
    put = run("site", "put", "garage", "--limit-a", "63", "--charger", "BOX-1")
    assert put.returncode == 0, put.stderr
    assert "63 A per phase" in put.stdout
    inner = {"id": "row", "limit_w": 11040, "chargers": [{"id": "BOX-2", "phases": [1]}]}
    described = tmp_path / "site.json"
    described.write_text(json.dumps({"limit_a": 40, "chargers": ["BOX-1"], "circuits": [inner]}))
    site = json.loads(run("site", "put", "garage", "--file", str(described), "--json").stdout)
    assert (site["limit_a"], site["counts_a"]["row"]["L1"], site["over_limit"]) == (40, 32, True)
    shown = run("site", "show", "GARAGE").stdout
    assert all(word in shown for word in ("40 A per phase", "BOX-2", "offline", "over the limit"))
    listed = run("site", "list").stdout
    assert all(word in listed for word in ("garage", "40 A", "over its limit"))
    limited = json.loads(run("site", "limit", "garage", "--limit-w", "6900", "--seconds", "600", "--json").stdout)
    assert (limited["limit_now_a"], limited["external_limit"]["limit_a"]) == (10, 10)
    endless = run("site", "limit", "garage", "--limit-a", "10")
    assert (endless.returncode, "always ends" in endless.stderr) == (1, True)
    assert "40 A per phase" in run("site", "limit", "garage").stdout
    assert run("site", "remove", "garage").stdout == "removed garage\n"
    again = run("site", "remove", "garage")
    assert (again.returncode, again.stderr) == (1, "ocpi-hub: there is no site garage\n")
    wrong = run("site", "put", "garage", "--charger", "BOX-1")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("ocpi-hub: limit_a: ")


@pytest.mark.parametrize(
    ("known", "in_time", "said"),
    [(False, None, ""), (True, None, "18:05 UTC"), (True, True, "18:05 UTC"),
     (True, False, "18:05 UTC, too early for its share")],
)  # fmt: skip
def test_when_a_car_leaves(known, in_time, said):
    departure = datetime(2026, 3, 1, 18, 5, tzinfo=UTC) if known else None
    assert leaves({"departure_at": departure, "in_time": in_time}) == said
