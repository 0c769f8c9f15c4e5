"""`ocpi-hub cdr …` and `ocpi-hub partner retry`, as a person uses them."""

import json

from tests.cli.hub import command_line


def test_nothing_is_stuck_and_a_cdr_that_there_is_not_is_named(database_url: str, redis_url: str) -> None:
    run = command_line(database_url, redis_url)
    assert run("cdr", "stuck").stdout == "no CDR is stuck\n"
    assert json.loads(run("cdr", "stuck", "--json").stdout) == []
    unknown = run("cdr", "send", "C9")
    assert (unknown.returncode, unknown.stderr) == (1, "ocpi-hub: there is no CDR C9\n")


def test_what_was_given_up_is_owed_anew(database_url: str, redis_url: str) -> None:
    run = command_line(database_url, redis_url)
    run("partner", "invite", "GreenApp")
    again = run("partner", "retry", "GreenApp")
    assert (again.returncode, again.stdout) == (0, "GreenApp is owed 0 more\n"), again.stderr
    unknown = run("partner", "retry", "Nobody")
    assert (unknown.returncode, unknown.stderr) == (1, "ocpi-hub: there is no partner Nobody\n")
