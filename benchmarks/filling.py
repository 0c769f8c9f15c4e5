"""Many kept locations in a database, put there by SQL: by the door it would take longer than what is measured."""

import json

import asyncpg

from tests.world import objects

FILL = """
INSERT INTO location (country_code, party_id, object_id, owner_key, key, document, digest, last_updated, received_at,
                      latitude, longitude, publish)
SELECT 'NL', 'ABC', 'LOC' || n, 'nl/abc', 'loc' || n,
       jsonb_set($1::jsonb, '{id}', to_jsonb('LOC' || n)), 'filled',
       timestamptz '2026-01-01 00:00Z' + n * interval '1 s', now(), 52.1, 5.1, true
FROM generate_series(0, $2 - 1) AS n
ON CONFLICT DO NOTHING
"""
COUNT = """
INSERT INTO kept_count (module, owner_key, reader_key, slot, n)
SELECT 'locations', owner_key, '', 0, count(*) FROM location GROUP BY owner_key
ON CONFLICT (module, owner_key, reader_key, slot) DO UPDATE SET n = excluded.n
"""


async def fill(database_url: str, *, count: int) -> None:
    """Keep so many locations of NL/ABC, LOC0 and on, of about 4 KB each."""
    evses = [objects.evse(f"EVSE{n}", connectors=[objects.connector("1"), objects.connector("2")]) for n in range(8)]
    document = json.dumps(objects.location("LOC", owner=("NL", "ABC"), evses=evses))
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute(FILL, document, count)
            await connection.execute(COUNT)
        await connection.execute("VACUUM ANALYZE location")
    finally:
        await connection.close()
