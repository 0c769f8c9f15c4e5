"""Own cards from the terminal."""

import json

from tests.cli.hub import command_line


def test_a_card_is_made_changed_listed_and_forgotten(database_url: str, redis_url: str) -> None:
    run = command_line(database_url, redis_url)
    assert run("card", "list").stdout == "no card yet: ocpi-hub card put UID\n"
    assert run("card", "put", "04AABB", "--group", "FLEET").stdout == "04AABB is a new card: Accepted\n"
    changed = run("card", "put", "04aabb", "--status", "Blocked", "--expires-at", "2027-01-01", "--json")
    card = json.loads(changed.stdout)
    assert (card["uid"], card["status"], card["group_id"]) == ("04AABB", "Blocked", None)
    assert card["expires_at"] == "2027-01-01T00:00:00Z"
    assert "Blocked" in run("card", "list").stdout
    refused = run("card", "put", "04AABB", "--status", "Lost")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "status: must be one of Accepted, Blocked, Expired, Invalid" in refused.stderr
    assert run("card", "remove", "04AABB").returncode == 0
    gone = run("card", "remove", "04AABB")
    assert (gone.returncode, "04AABB" in gone.stderr) == (1, True)
