"""What the admin REST answers to what cannot be, and to many who want the same at once: never a 5xx."""

import asyncio

import httpx
import pytest

from tests.admin.house import problem
from tests.world.hub import ADMIN


@pytest.mark.parametrize(
    ("verb", "path", "body", "again"),
    [
        ("POST", "/chargers", {"id": "BOX-7"}, 409),
        ("PUT", "/tokens/C1", {}, 200),
        ("PUT", "/tariffs/T1", {"currency": "EUR", "elements": [{"price_components": []}]}, 422),
        ("PUT", "/agreements/x", {"parties": ["NL/ABC", "DE/XYZ"]}, 200),
    ],
)
async def test_many_who_want_the_same_at_once_are_told_so(hub, verb, path, body, again):
    answers = await asyncio.gather(*(hub.admin(verb, path, body) for _ in range(12)))
    assert {answer.status_code for answer in answers} <= {200, 201, 409, 422}
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "exists")
    assert (await hub.admin(verb, path, body)).status_code == again


@pytest.mark.parametrize("url", ["ftp://x", "nonsense", "file:///etc/passwd"])
async def test_a_partner_is_connected_by_a_url_of_the_web_only(hub, url):
    body = {"name": "A", "versions_url": url, "credentials_token": "token"}
    error = problem(await hub.admin("POST", "/partners/connect", body), 422, "invalid")
    assert error["message"] == "versions_url: must begin with https:// or http://"


@pytest.mark.parametrize("raw", ['{"profile":{"\\ud800":1}}', '{"name":"\\ud800"}', '{"profile":{"push":"\\ud800"}}'])
async def test_half_of_a_surrogate_pair_is_the_callers_fault(hub, raw):
    await hub.admin("POST", "/partners", {"name": "Partner"})
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"}
        answer = await client.patch(f"{hub.url}/admin/v1/partners/Partner", content=raw, headers=headers)
    problem(answer, 422, "invalid")
