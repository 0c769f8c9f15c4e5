"""Whatever the OpenAPI documents allow, and what they do not, is never a failure of ours (X37).

schemathesis makes the requests: bodies, paths and queries from the schemas, half of them broken on purpose. A short
run, the same every time; OCPI_HUB_TEST_REQUESTS=200 makes that many for each operation, new ones every time.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from ocpi_hub.chargers.binding import bind
from tests.world import objects, ocpi
from tests.world.hub import ADMIN, Hub, running_hub
from tests.world.partner import Partner

DEFAULT = 6
REQUESTS = int(os.environ.get("OCPI_HUB_TEST_REQUESTS", DEFAULT))
SHORT = REQUESTS == DEFAULT
ANOTHERS_FAULT = {502, 504}
"""What the admin REST says when a partner or a charger did not answer as it should."""


@dataclass
class World:
    """A hub and the platform that speaks to it, in a loop that runs while a request does."""

    runner: asyncio.Runner
    hub: Hub
    partner: Partner
    client: httpx.AsyncClient
    base: str = ""

    def send(self, case: Any, headers: dict[str, str]) -> httpx.Response:
        """Send what schemathesis made up, as far as HTTP can carry it."""
        return self.runner.run(self._send(case, headers))

    async def _send(self, case: Any, headers: dict[str, str]) -> httpx.Response:
        wanted = case.as_transport_kwargs(base_url=self.base, headers=headers)
        passed = {name: wanted[name] for name in ("params", "json", "data") if wanted.get(name) is not None}
        if isinstance(passed.get("data"), bytes | str):
            passed["content"] = passed.pop("data")
        return await self.client.request(wanted["method"], wanted["url"], headers=wanted["headers"], **passed)


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            yield runner.run(_begin(runner, stack, database_url, redis_url))
        finally:
            runner.run(stack.aclose())


async def _begin(runner: asyncio.Runner, stack: AsyncExitStack, database_url: str, redis_url: str) -> World:
    hub = await stack.enter_async_context(running_hub(database_url, redis_url, partner_timeout=1))
    bind(hub.resources)
    parties = (("CPO", "NL", "ABC"), ("EMSP", "NL", "ABC"))
    partner = await stack.enter_async_context(Partner(parties[0], more=parties[1:]))
    await partner.register(hub.versions_url, await hub.invite("Partner"))
    client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=30))
    added = await hub.admin("POST", "/chargers", {"id": "BOX-1", "password": "a-good-password"})
    assert added.status_code == 201, added.text
    await partner.put("locations", "NL/ABC/LOC1", objects.location(owner=("NL", "ABC")))
    return World(runner, hub, partner, client)


def check(world: World, document: Any, *, base: str, headers: dict[str, str], known: dict[str, str]) -> int:
    """Send requests to every operation of a document. Gives how many were sent; each answer must be one of ours."""
    world.base = base
    schema = schemathesis.openapi.from_dict(document)
    sent = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

        @settings(
            max_examples=REQUESTS,
            deadline=None,
            database=None,
            derandomize=SHORT,
            phases=[Phase.generate] if SHORT else [Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases, real=st.booleans())
        def ask(case: Any, real: bool) -> None:
            nonlocal sent
            if real and case.path_parameters:
                case.path_parameters.update({n: v for n, v in known.items() if n in case.path_parameters})
            try:
                answer = world.send(case, headers)
            except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeEncodeError):
                return  # no client can send it
            sent += 1
            where = f"{case.method} {case.formatted_path} {case.query} {case.body!r}"[:500]
            assert answer.status_code < 500 or answer.status_code in ANOTHERS_FAULT, f"{where}: {answer.text}"
            assert answer.content or answer.status_code == 204, f"{where}: {answer.status_code} says nothing"
            if answer.content and answer.headers.get("content-type", "").startswith("application/json"):
                body = answer.json()
                assert not isinstance(body, dict) or body.get("status_code") != 3000, f"{where}: {answer.text}"

        ask()
    return sent


@pytest.mark.timeout(600)
def test_ocpi_never_fails(world: World) -> None:
    document = world.runner.run(world.client.get(f"{world.hub.url}/openapi/ocpi.json")).json()
    headers = {
        "Authorization": ocpi.encode(world.partner.hub_token or ""),
        **ocpi.routing("NL/HUB", "NL/ABC"),
    }
    known = {"country_code": "NL", "party_id": "ABC", "location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": "1"}
    assert check(world, document, base=world.hub.url, headers=headers, known=known) > 100


@pytest.mark.timeout(600)
def test_the_admin_rest_never_fails(world: World) -> None:
    document = world.runner.run(world.client.get(f"{world.hub.url}/admin/v1/openapi.json")).json()
    platform = world.runner.run(world.hub.platform("Partner")).id
    known = {"partner_id": platform, "platform_id": platform, "charger_id": "BOX-1"}
    headers = {"Authorization": f"Bearer {ADMIN}"}
    assert check(world, document, base=f"{world.hub.url}/admin/v1", headers=headers, known=known) > 100
