"""The door in front of every OCPI route, over real HTTP: who calls, ids, errors, secrets; rows T1-T15, X12, X15."""

import io
import json
from uuid import UUID

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from ocpi_hub.base.log import configure_logs
from ocpi_hub.partners import handshake, keyring, register
from ocpi_hub.partners.journal import Journal
from tests.modules.envelope import enveloped
from tests.world import ocpi
from tests.world.hub import Hub
from tests.world.objects import location
from tests.world.partner import Partner

ABC = ("NL", "ABC")


# --- who calls (T1-T4) ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["base64", "raw", "newline"])
async def test_a_token_may_come_encoded_or_raw_and_with_a_line_break(hub: Hub, known: Partner, encoding: str) -> None:
    known.encoding = encoding
    assert enveloped(await known.get("locations"))["status_code"] == 1000


@pytest.mark.parametrize("scheme", ["token", "TOKEN", "Token "])
async def test_the_scheme_is_read_without_its_case(hub: Hub, known: Partner, scheme: str) -> None:
    value = ocpi.encode(known.hub_token or "").removeprefix("Token ")
    answer = await known.get("locations", headers={"Authorization": f"{scheme} {value}"})
    assert enveloped(answer)["status_code"] == 1000


@pytest.mark.parametrize("header", ["", "Token", "Bearer {t}", "Basic {t}", "{t}", "Token {t}x", "Token \xff"])
async def test_anything_else_is_401(hub: Hub, known: Partner, header: str) -> None:
    url = known.hub_endpoints[("locations", "SENDER")]
    value = header.format(t=known.hub_token).encode("latin-1")
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(url, headers={b"Authorization": value} if header else {})
    assert answer.status_code == 401
    assert enveloped(answer)["status_code"] == 2000


async def test_two_tokens_are_none(hub: Hub, known: Partner) -> None:
    header = ("Authorization", ocpi.encode(known.hub_token or ""))
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(hub.versions_url, headers=[header, header])
    assert answer.status_code == 401


MATRIX = [
    # purpose, versions and credentials, modules
    ("none", 401, 401),
    ("unknown", 401, 401),
    ("invite", 200, 401),
    ("handshake", 200, 401),
    ("live", 200, 200),
    ("expired", 401, 401),
    ("revoked", 401, 401),
    ("suspended", 200, 403),
]


@pytest.mark.parametrize(("purpose", "configuration", "modules"), MATRIX)
async def test_what_each_token_opens(hub: Hub, known: Partner, purpose: str, configuration: int, modules: int) -> None:
    """The token matrix (T4, C8, X12)."""
    platform = await hub.platform("A CPO")
    token = known.hub_token or ""
    async with hub.resources.unit_of_work() as db:
        if purpose in ("invite", "handshake"):
            token = await keyring.issue(db, hub.resources, platform.id, purpose=purpose)
        elif purpose == "expired":
            past = hub.clock()
            token = await keyring.issue(db, hub.resources, platform.id, purpose=keyring.LIVE, expires_at=past)
        elif purpose == "revoked":
            await keyring.revoke(db, hub.resources, platform.id)
        elif purpose == "suspended":
            await register.suspend(db, hub.resources, platform.id)
    token = {"none": " ", "unknown": "an-unknown-token"}.get(purpose, token)

    for url in (hub.versions_url, f"{hub.url}/ocpi/2.2.1", known.credentials_url):
        answer = await known.request("GET", url, token=token)
        assert answer.status_code == configuration, url
        enveloped(answer)
    for (module, role), url in known.hub_endpoints.items():
        if module not in ("credentials", "commands", "chargingprofiles") and role == "SENDER":
            answer = await known.request("GET", f"{url}?date_from=2026-01-01T00:00:00Z", token=token, from_="NL/ABC")
            assert answer.status_code == modules, module
            enveloped(answer)
    answer = await known.request("GET", f"{hub.url}/ocpi/no/such/place", token=token)
    assert answer.status_code == (404 if modules == 200 else modules)


async def test_a_suspended_partner_may_be_resumed(hub: Hub, known: Partner) -> None:
    platform = await hub.platform("A CPO")
    async with hub.resources.unit_of_work() as db:
        await register.suspend(db, hub.resources, platform.id)
    await known.renew()  # new credentials do not end a suspension
    assert "suspended" in enveloped(await known.get("locations"))["status_message"]
    async with hub.resources.unit_of_work() as db:
        await register.resume(db, hub.resources, platform.id)
    assert enveloped(await known.get("locations"))["status_code"] == 1000


# --- ids (T12) --------------------------------------------------------------------------------------------------------


async def test_the_ids_of_a_request_are_those_of_its_answer(hub: Hub, known: Partner) -> None:
    ids = {"X-Request-ID": "req/1", "X-Correlation-ID": "CORR-1"}
    for answer in (
        await known.get("locations", headers=ids),
        await known.request("GET", hub.versions_url, headers=ids),
        await known.request("GET", hub.versions_url, headers=ids, token="unknown-token"),
        await known.request("GET", f"{hub.url}/ocpi/nowhere", headers=ids),
        await known.put("locations", "NL/ABC/1", None, content="{", headers=ids),
        await known.call("DELETE", "locations", "NL/ABC/1", headers=ids),
    ):
        assert answer.headers["x-request-id"] == "req/1"
        assert answer.headers["x-correlation-id"] == "CORR-1"
        assert answer.headers.get_list("x-request-id") == ["req/1"]


@pytest.mark.parametrize("given", [None, "", "x" * 256, "\xe9"])
async def test_missing_ids_are_made_and_bad_ones_replaced(hub: Hub, known: Partner, given: str | None) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = [(b"Authorization", ocpi.encode(known.hub_token or "").encode())]
        if given is not None:
            headers += [(b"X-Request-ID", given.encode("latin-1")), (b"X-Correlation-ID", given.encode("latin-1"))]
        answer = await client.get(known.hub_endpoints[("locations", "SENDER")], headers=headers)
    assert enveloped(answer)["status_code"] == 1000
    assert UUID(answer.headers["x-request-id"])
    assert UUID(answer.headers["x-correlation-id"])


# --- errors (T7, T9, T10) ---------------------------------------------------------------------------------------------


async def test_broken_json_is_400_and_a_wrong_shape_is_2001_with_its_path(hub: Hub, known: Partner) -> None:
    broken = await known.put("locations", "NL/ABC/LOC1", None, content=b'{"id": "LOC1"')
    assert broken.status_code == 400
    assert enveloped(broken)["status_code"] == 2001
    document = location(owner=ABC)
    document["evses"][0]["connectors"][0]["max_voltage"] = "lots"
    wrong = await known.put("locations", "NL/ABC/LOC1", document)
    assert wrong.status_code == 200
    assert enveloped(wrong)["status_code"] == 2001
    assert "evses.0.connectors.0.max_voltage" in wrong.json()["status_message"]


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b"5", b"null", b"true"])
async def test_a_body_that_is_no_object_is_an_error_and_no_crash(hub: Hub, known: Partner, body: bytes) -> None:
    answer = await known.put("locations", "NL/ABC/LOC1", None, content=body)
    assert (answer.status_code, enveloped(answer)["status_code"]) == ((400, 2001) if not body else (200, 2001))


@pytest.mark.parametrize("content_type", [None, "application/json; charset=utf-8", "text/plain", "nonsense"])
async def test_the_content_type_is_not_asked_for(hub: Hub, known: Partner, content_type: str | None) -> None:
    """T6."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    body = json.dumps(location(owner=ABC)).encode()
    answer = await known.put("locations", "NL/ABC/LOC1", None, content=body, headers=headers)
    assert enveloped(answer)["status_code"] == 1000


async def test_slashes_do_not_matter_on_modules(hub: Hub, known: Partner) -> None:
    """T14: no redirect, with and without a slash at the end, double ones after a careless concatenation."""
    base = known.hub_endpoints[("locations", "RECEIVER")]
    for url in (f"{base}/NL/ABC/LOC1", f"{base}/NL/ABC/LOC1/", f"{base}//NL/ABC//LOC1"):
        answer = await known.request("PUT", url, json=location(owner=ABC), from_="NL/ABC")
        assert answer.status_code in (200, 201)
    listed = await known.request("GET", known.hub_endpoints[("locations", "SENDER")] + "/", from_="NL/ABC")
    assert enveloped(listed)["status_code"] == 1000


@pytest.mark.parametrize(
    ("path", "http_status"),
    [("NL/ABC/%00", 404), ("NL/ABC/a%0Ab", 404), ("NL/ABC/%FF", 404), ("NL/ABC/a%2Fb", 200), ("NL/ABC/1?x=%00", 200)],
)
async def test_characters_that_are_part_of_no_id(hub: Hub, known: Partner, path: str, http_status: int) -> None:
    answer = await known.call("GET", "locations", path)
    assert answer.status_code == http_status
    assert enveloped(answer)["status_code"] == 2001


async def test_a_failure_of_ours_is_3000_and_its_reason_is_in_the_log_only(
    hub: Hub, known: Partner, caplog: pytest.LogCaptureFixture
) -> None:
    """Status codes: what reached the OCPI layer gets no HTTP error."""
    out = io.StringIO()
    configure_logs(level="INFO", form="json", stream=out)
    async with hub.resources.unit_of_work() as db:
        await db.execute(text("ALTER TABLE tariff RENAME TO gone"))
    answer = await known.get("tariffs", headers={"X-Correlation-ID": "look-for-this"})
    assert answer.status_code == 200
    assert enveloped(answer)["status_code"] == 3000
    assert "tariff" not in answer.json()["status_message"]
    [line] = [json.loads(line) for line in out.getvalue().splitlines() if "request.failed" in line]
    assert line["correlation_id"] == "look-for-this"
    assert "UndefinedTable" in line["exception"]
    assert known.hub_token not in out.getvalue()


async def test_a_database_that_is_away_is_3000_and_one_line_of_the_log(
    hub: Hub, known: Partner, database_url: str
) -> None:
    out = io.StringIO()
    configure_logs(level="INFO", form="json", stream=out)
    await known.get("tariffs")  # who calls is known from now on, without the database
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
    answer = await known.get("tariffs")
    assert (answer.status_code, enveloped(answer)["status_code"]) == (200, 3000)
    [line] = [json.loads(line) for line in out.getvalue().splitlines() if "request." in line]
    assert (line["event"], "exception" in line) == ("request.no_database", False)


async def test_where_nobody_can_be_authenticated_it_is_500_in_the_envelope(hub: Hub, known: Partner) -> None:
    async with hub.resources.unit_of_work() as db:
        await db.execute(text("ALTER TABLE credentials_token RENAME TO gone"))
    answer = await known.get("tariffs", token="not-in-the-picture")
    assert answer.status_code == 500
    assert enveloped(answer)["status_code"] == 3000


@pytest.mark.parametrize(
    ("role", "module", "tail", "method", "allowed"),
    [
        ("RECEIVER", "locations", "/NL/ABC/1", "DELETE", "GET, PATCH, PUT"),
        ("RECEIVER", "tariffs", "/NL/ABC/1", "PATCH", "DELETE, GET, PUT"),
        ("SENDER", "locations", "", "POST", "GET"),
        ("RECEIVER", "cdrs", "", "PUT", "POST"),
        ("SENDER", "credentials", "", "PATCH", "DELETE, GET, POST, PUT"),
    ],
)
async def test_405_says_all_that_is_possible(
    known: Partner, role: str, module: str, tail: str, method: str, allowed: str
) -> None:
    url = known.hub_endpoints[(module, role)] + tail
    answer = await known.request(method, url, json={}, from_=known.here)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


# --- where secrets must not be (X15, X21) -----------------------------------------------------------------------------


async def test_no_credentials_token_is_in_any_row_log_line_bell_or_key(hub: Hub, emsp: Partner) -> None:
    out = io.StringIO()
    configure_logs(level="DEBUG", form="json", stream=out)
    secrets: set[str] = set()
    for number in range(5):
        async with Partner(("CPO", "NL", f"P{number}")) as partner:
            token_a = await hub.invite(f"p{number}")
            await partner.register(hub.versions_url, token_a)
            secrets |= {token_a, partner.hub_token or "", *partner.accepts}
            await partner.get("locations")
            await partner.renew()
            secrets |= {partner.hub_token or "", *partner.accepts}
            await partner.put("locations", f"NL/P{number}/1", {"token": partner.hub_token})
            await partner.get("tokens", token=partner.hub_token, headers={"X-Request-ID": "1"})
    given = emsp.issue()
    platform = await handshake.connect(hub.resources, "emsp", emsp.versions_url, given)
    secrets |= {given, emsp.hub_token or "", *emsp.accepts}
    await handshake.rotate(hub.resources, platform)
    secrets |= {emsp.hub_token or "", *emsp.accepts}
    await hub.resources.one(Journal).idle()

    everything = out.getvalue() + str(hub.rung) + await dump(hub) + json.dumps(await hub.platforms(), default=str)
    assert len(secrets) > 20
    assert "partner.registered" in everything
    assert "credentials" in {one["module"] for one in (await hub.admin("GET", "/messages?rule=handshake")).json()}
    for secret in secrets - {""}:
        assert secret not in everything
        assert ocpi.encode(secret).removeprefix("Token ") not in everything


async def dump(hub: Hub) -> str:
    """Every row of every table, and every key of Valkey, as text."""
    found = []
    async with hub.resources.sessions() as db:
        tables = (await db.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).all()
        for table in tables:
            found += [str(row) for row in await db.scalars(text(f'SELECT t::text FROM "{table}" t'))]
    valkey: Redis = hub.resources.redis
    for key in await valkey.keys("*"):
        found += [str(key), str(await valkey.dump(key))]
    return "\n".join(found)
