"""`ocpi-hub messages`: the journal as a table, and the story of one message."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

from ocpi_hub.base.resources import open_resources
from ocpi_hub.partners.journal import IN, OUT, Journal, Note
from ocpi_hub.wire.headers import PartyId
from tests.cli.hub import command_line
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
        ):
            journal.note(note)


def test_the_journal_is_a_table_and_one_message_a_story(database_url: str, redis_url: str) -> None:
    asyncio.run(write(database_url, redis_url))
    run = command_line(database_url, redis_url)

    table = run("messages").stdout
    assert table.index("story-2") < table.index("story-1")
    assert all(word in table for word in ("NL/ABC", "PUT tariffs", "direct", "201", "1000"))
    assert "story-1" not in run("messages", "--since", "2026-11-21").stdout
    assert [one["rule"] for one in json.loads(run("messages", "--status", "failed", "--json").stdout)] == ["probe"]
    assert "no such message" in run("messages", "--party", "FR/EM2").stdout

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
