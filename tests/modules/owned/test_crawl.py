"""X20: a list of ten thousand, crawled page by page over HTTP while others write."""

import asyncio
import json

import pytest
from sqlalchemy import text

from ocpi_hub.objects.kinds import LOCATIONS
from tests.modules.owned.talking import ids, keep, next_url
from tests.world.hub import Hub
from tests.world.objects import location
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")

HUB, MANY, A_PAGE = "NL/HUB", 10_000, 250
FILL = text("""
INSERT INTO location (country_code, party_id, object_id, owner_key, key, document, digest, last_updated, received_at,
                      latitude, longitude, publish)
SELECT 'NL', 'ABC', 'L' || n, 'nl/abc', 'l' || n,
       jsonb_set(CAST(:document AS jsonb), '{id}', to_jsonb('L' || n)), 'filled', '2026-01-01Z', '2026-01-01Z',
       52.1, 5.1, true
FROM generate_series(0, :many - 1) AS n
""")
COUNTED = text("""
INSERT INTO kept_count (module, owner_key, reader_key, slot, n) VALUES ('locations', 'nl/abc', '', 0, :many)
""")


async def test_ten_thousand_locations_are_seen_exactly_once_while_others_change(
    hub: Hub, cpo: Partner, emsp: Partner
) -> None:
    """They change and come ahead of the crawl and behind it; what stays as it is is seen once, in its place."""
    async with hub.resources.unit_of_work() as db:
        document = json.dumps(location("L", owner=("NL", "ABC")))
        await db.execute(FILL, {"document": document, "many": MANY})
        await db.execute(COUNTED, {"many": MANY})
    crawling, changes = True, 0

    async def write(writer: int) -> None:
        nonlocal changes
        while crawling:
            changes += 1
            name = f"L{(changes * 7919) % MANY // 2 * 2}"  # even numbers change, odd ones stay as they are
            changed = location(name, owner=("NL", "ABC"), name=f"Change {changes}")
            assert (await cpo.put("locations", f"NL/ABC/{name}", changed, to=HUB)).status_code == 200
            if changes % 10 == 0:
                await keep(hub.resources, LOCATIONS, location(f"NEW{writer}-{changes}", owner=("NL", "ABC")))

    writing = [asyncio.create_task(write(number)) for number in range(4)]
    base = emsp.hub_endpoints[("locations", "SENDER")]
    url: str | None = f"{base}?limit={A_PAGE}"
    seen: list[str] = []
    while url is not None:
        answer = await emsp.request("GET", url, from_=emsp.here, to=HUB)
        assert int(answer.headers["X-Total-Count"]) >= MANY
        seen += ids(answer)
        url, before = next_url(answer), changes
        while changes == before:
            await asyncio.sleep(0.001)
    crawling = False
    await asyncio.gather(*writing)
    unchanged = [f"L{n}" for n in range(1, MANY, 2)]
    odd = set(unchanged)
    assert [name for name in seen if name in odd] == unchanged
    assert len(seen) == len(set(seen)) >= MANY
    assert changes > MANY // A_PAGE  # somebody wrote between any two pages
