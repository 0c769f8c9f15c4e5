"""`ocpi-hub agreement …`, as a person uses it."""

import json

from tests.cli.hub import command_line


def test_an_agreement_is_put_listed_and_removed(database_url: str, redis_url: str) -> None:
    run = command_line(database_url, redis_url)
    assert "no agreement yet" in run("agreement", "list").stdout

    options = ["--module", "locations", "--module", "cdrs", "--valid-until", "2031-01-01", "--note", "paper 7"]
    put = run("agreement", "put", "contract-7", "NL/ABC", "DE/XYZ", *options)
    assert (put.returncode, put.stdout) == (0, "contract-7 is made, and in force\n"), put.stderr
    assert put.stderr == (
        "warning: there is no party NL/ABC yet: the agreement waits for it\n"
        "warning: there is no party DE/XYZ yet: the agreement waits for it\n"
    )
    run("agreement", "put", "nobody", "*", "FR/EM2", "--forbid", "--valid-from", "2031-01-01T12:00:00Z")

    [one, two] = json.loads(run("agreement", "list", "--json").stdout)
    assert (one["modules"], one["valid_until"], one["note"]) == (
        ["cdrs", "locations"],
        "2031-01-01T00:00:00Z",
        "paper 7",
    )
    assert (two["parties"], two["allowed"], two["in_force"]) == (["*", "FR/EM2"], False, False)
    table = run("agreement", "list").stdout
    assert all(word in table for word in ("contract-7", "NL/ABC - DE/XYZ", "cdrs, locations", "may not"))

    removed = run("agreement", "remove", "contract-7")
    assert (removed.returncode, removed.stdout) == (0, "contract-7 is removed\n")
    again = run("agreement", "remove", "contract-7")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "ocpi-hub: there is no agreement contract-7\n"


def test_a_party_that_is_none_is_named(database_url: str, redis_url: str) -> None:
    failed = command_line(database_url, redis_url)("agreement", "put", "x", "NL/ABC", "nonsense")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("ocpi-hub: parties.1: ")
