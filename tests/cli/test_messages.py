"""`ocpi-hub messages`: the journal as a table, and the story of one message."""

import asyncio
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from ocpi_hub.base.resources import open_resources
from ocpi_hub.partners.journal import IN, OUT, Journal, Note
from ocpi_hub.wire.headers import PartyId
from tests.cli.hub import command_line, environment_for
from tests.world.hub import settings_for

AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
CPO, EMSP = PartyId("NL", "ABC"), PartyId("DE", "XYZ")


async def write(database_url: str, redis_url: str) -> None:
    """What a hub would have noted of a tariff that was passed on, and of one call that found nobody."""
    async with open_resources(settings_for(database_url, redis_url)) as resources:
        journal = resources.one(Journal)
        for note in (
            Note(
                at=AT,
                direction=IN,
                correlation_id="story-1",
                request_id="r-1",
                method="PUT",
                path="NL/ABC/T1",
                rule="direct",
                from_party=CPO,
                to_party=EMSP,
                module="tariffs",
                interface="RECEIVER",
                http_status=201,
                ocpi_status=1000,
                milliseconds=9,
                request_body=b'{"id":"T1"}',
            ),
            Note(
                at=AT + timedelta(milliseconds=2),
                direction=OUT,
                correlation_id="story-1",
                request_id="r-2",
                request_id_in="r-1",
                method="PUT",
                path="https://xyz.example/tariffs/NL/ABC/T1",
                rule="direct",
                from_party=CPO,
                to_party=EMSP,
                module="tariffs",
                interface="RECEIVER",
                http_status=201,
                ocpi_status=1000,
                milliseconds=5,
            ),
            Note(
                at=AT + timedelta(days=1),
                direction=OUT,
                correlation_id="story-2",
                request_id="r-3",
                method="GET",
                path="https://gone.example/versions",
                rule="probe",
                reason="the connection was refused",
            ),
            Note(
                at=AT + timedelta(days=1),
                direction=OUT,
                correlation_id="story-3",
                request_id="r-4",
                method="GET",
                path="https://xyz.example/versions",
                rule="check",
                http_status=401,
                ocpi_status=2001,
            ),
        ):
            journal.note(note)


async def note_now(database_url: str, redis_url: str) -> None:
    async with open_resources(settings_for(database_url, redis_url)) as resources:
        resources.one(Journal).note(
            Note(
                at=datetime.now(UTC),
                direction=IN,
                correlation_id="story-4",
                request_id="r-5",
                method="GET",
                path="",
                rule="get-all",
                http_status=200,
                ocpi_status=1000,
            )
        )


def test_the_journal_is_a_table_and_one_message_a_story(database_url: str, redis_url: str) -> None:
    asyncio.run(write(database_url, redis_url))
    run = command_line(database_url, redis_url)

    table = run("messages").stdout
    assert table.index("story-2") < table.index("story-1")
    assert all(word in table for word in ("NL/ABC", "PUT tariffs", "direct", "201", "1000"))
    since = run("messages", "--since", "2026-11-21").stdout
    assert "story-2" in since
    assert "story-1" not in since
    assert [one["rule"] for one in json.loads(run("messages", "--status", "failed", "--json").stdout)] == ["probe"]
    assert "no such message" in run("messages", "--party", "FR/EM2").stdout
    assert "story-3" not in table, "what a check asks on purpose is no news"
    assert "story-3" in run("messages", "--checks").stdout
    assert [one["rule"] for one in json.loads(run("messages", "--rule", "check", "--json").stdout)] == ["check"]
    wrong = run("messages", "--rule", "nonsense")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert "rule: must be 'direct', 'open:location'" in wrong.stderr
    assert "nonsense is no module of OCPI, those are cdrs" in run("messages", "--module", "nonsense").stdout

    assert (
        run("messages", "story-1").stdout
        == """\
correlation id story-1, 2026-11-20 10:00:00 UTC

+0 ms  NL/ABC asked DE/XYZ
    PUT receiver/tariffs/NL/ABC/T1
    rule: direct; X-Request-ID r-1
    answer after 9 ms: HTTP 201, OCPI 1000
    sent: {"id":"T1"}

+2 ms  the hub asked DE/XYZ in the name of NL/ABC
    PUT https://xyz.example/tariffs/NL/ABC/T1
    rule: direct; X-Request-ID r-2, for r-1
    answer after 5 ms: HTTP 201, OCPI 1000
"""
    )
    assert "answer after 0 ms: none: the connection was refused" in run("messages", "story-2").stdout
    assert len(json.loads(run("messages", "story-1", "--json").stdout)["messages"]) == 2

    nothing = run("messages", "no-such")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert nothing.stderr == "ocpi-hub: there is no message with the correlation id no-such\n"


def test_what_comes_is_followed_and_told_once(database_url: str, redis_url: str) -> None:
    asyncio.run(write(database_url, redis_url))
    environment = environment_for(database_url, redis_url)
    command = [sys.executable, "-m", "ocpi_hub.cli", "messages", "--follow", "--since", "2026-11-20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as terminal:
        assert terminal.stdout is not None
        first = [terminal.stdout.readline() for _ in range(3)]
        assert [line.split()[-1] for line in first] == ["story-1", "story-1", "story-2"]
        asyncio.run(note_now(database_url, redis_url))
        assert terminal.stdout.readline().split()[-1] == "story-4"
        terminal.send_signal(signal.SIGINT)
        assert terminal.wait(30) == 0
