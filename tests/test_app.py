"""The HTTP process: probes, metrics, and how it starts and stops."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from ocpi_hub.app import _scripts
from ocpi_hub.base.database import open_engine
from ocpi_hub.delivery.tables import Owed
from ocpi_hub.embedded.migrate import migrate
from tests.world.hub import Hub, running_hub
from tests.world.partner import Partner


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    async with running_hub(database_url, redis_url) as running:
        yield running


async def get(hub: Hub, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(hub.url + path)


async def test_live_says_only_that_the_process_runs(hub: Hub) -> None:
    answer = await get(hub, "/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


async def test_not_ready_without_the_migrations(hub: Hub) -> None:
    async with hub.resources.unit_of_work() as db:
        await db.execute(text("DROP TABLE alembic_version"))
    answer = await get(hub, "/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "database": "ok",
        "schema": "migrations are missing: run `ocpi-hub migrate`",
        "valkey": "ok",
        "reasons": ["schema: migrations are missing: run `ocpi-hub migrate`"],
    }


@pytest.mark.parametrize("found", ["head", "a-revision-of-a-newer-hub"])
async def test_ready_at_this_schema_or_a_newer_one(hub: Hub, found: str) -> None:
    revision = _scripts().get_current_head() if found == "head" else found
    async with hub.resources.unit_of_work() as db:
        await db.execute(text("UPDATE alembic_version SET version_num = :found"), {"found": revision})
    answer = await get(hub, "/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "database": "ok", "schema": "ok", "valkey": "ok"}


async def test_without_valkey_it_is_ready_and_says_so(database_url: str) -> None:
    async with running_hub(database_url, "redis://127.0.0.1:1/0") as hub:
        answer = await get(hub, "/health/ready")
        assert answer.status_code == 200
        assert (answer.json()["status"], answer.json()["database"]) == ("ready", "ok")
        assert answer.json()["valkey"].startswith("not reachable")


async def test_without_the_database_it_is_not_ready_and_metrics_still_come(redis_url: str) -> None:
    async with running_hub("postgresql://nobody:secret@127.0.0.1:1/none", redis_url) as hub:
        answer = await get(hub, "/health/ready")
        assert answer.status_code == 503
        assert answer.json()["reasons"][0].startswith("database: not reachable")
        assert "secret" not in answer.text
        assert "ocpi_database_up 0.0" in (await get(hub, "/metrics")).text


async def test_metrics_count_requests_and_show_what_is_owed(hub: Hub) -> None:
    async with Partner(name="A CPO") as partner:
        await partner.register(hub.versions_url, await hub.invite("A CPO"))
        await partner.put("locations", "NL/ABC/1", {})
        await partner.request("GET", f"{hub.url}/ocpi/2.2.1/sender/nltnm-own", from_=partner.here)
        await partner.request("TRACE", hub.versions_url)
        platform = await hub.platform("A CPO")
        async with hub.resources.unit_of_work() as db:
            db.add(_debt(platform.id, since=hub.clock() - timedelta(seconds=90)))
        answer = await get(hub, "/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")

    def value(line: str) -> float:
        [found] = re.findall(rf"^{re.escape(line)} (\S+)$", answer.text, re.MULTILINE)
        return float(found)

    assert (
        value(
            'ocpi_requests_total{http_status="200",interface="receiver",method="PUT",module="locations",status_code="2001"}'
        )
        >= 1
    )
    assert (
        value(
            'ocpi_requests_total{http_status="404",interface="sender",method="GET",module="other",status_code="2001"}'
        )
        >= 1
    )
    assert (
        value('ocpi_requests_total{http_status="405",interface="",method="other",module="versions",status_code="2000"}')
        >= 1
    )
    labels = f'{{name="A CPO",platform="{platform.id}"}}'
    assert value(f"ocpi_debts{labels}") == 1
    assert 89 < value(f"ocpi_oldest_debt_seconds{labels}") < 120
    assert value('ocpi_platforms{status="CONNECTED"}') == 1
    assert value("ocpi_database_up") == 1
    assert "process_resident_memory_bytes" in answer.text


def _debt(platform_id: str, *, since: datetime) -> Owed:
    return Owed(
        platform_id=platform_id,
        lane="de/xyz:tokens/de/xyz/x",
        kind="tokens",
        owner_key="de/xyz",
        key="x",
        verb="PUT",
        correlation_id="c",
        urgency=1,
        owed_since=since,
        due_at=since,
    )


async def test_the_openapi_document_of_ocpi_is_typed(hub: Hub) -> None:
    document = (await get(hub, "/openapi/ocpi.json")).json()
    put = document["paths"]["/ocpi/2.2.1/receiver/locations/{country_code}/{party_id}/{location_id}"]["put"]
    assert put["requestBody"]["content"]["application/json"]["schema"]
    assert "Location" in document["components"]["schemas"]
    post = document["paths"]["/ocpi/2.2.1/credentials"]["post"]
    assert post["requestBody"]["content"]["application/json"]["schema"]["title"] == "Credentials"
    assert "422" not in str(document)


async def test_other_paths_are_not_ocpi(hub: Hub) -> None:
    assert (await get(hub, "/ocpinion")).json() == {"detail": "Not Found"}
    assert (await get(hub, "/health/live/")).status_code == 404  # no redirect


def test_run_api_listens_says_ready_and_stops_cleanly(database_url: str, redis_url: str) -> None:
    """A real process: ready only once it listens, exit status 0 after SIGTERM, a request that runs may end."""
    migrate(_emptied(database_url))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "OCPI_HUB_DATABASE_URL": database_url,
        "OCPI_HUB_REDIS_URL": redis_url,
        "OCPI_HUB_PORT": str(port),
        "OCPI_HUB_SECRET_KEY": "a-secret-key-for-this-test",
    }
    code = (
        "from ocpi_hub.app import run_api; from ocpi_hub.base.settings import Settings;"
        "run_api(Settings(), lambda: print('ready', flush=True))"
    )

    async def life() -> tuple[int, int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            async with asyncio.timeout(30):
                assert await process.stdout.readline() == b"ready\n"
                async with httpx.AsyncClient(trust_env=False) as client:
                    answer = await client.get(f"http://127.0.0.1:{port}/health/ready")
                    process.send_signal(signal.SIGTERM)
                    status = await process.wait()
                return answer.status_code, status, (await process.stderr.read()).decode()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    http_status, exit_status, said = asyncio.run(life())
    assert (http_status, exit_status) == (200, 0), said
    assert "Traceback" not in said


def _emptied(database_url: str) -> str:
    """The same database without its tables."""

    async def drop() -> None:
        engine = open_engine(database_url)
        async with engine.begin() as connection:
            await connection.execute(text("DROP SCHEMA public CASCADE"))
            await connection.execute(text("CREATE SCHEMA public"))
        await engine.dispose()

    asyncio.run(drop())
    return database_url
