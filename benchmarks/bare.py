"""The bare side of the benchmarks: the least that keeps a location and owes it, with the hub's own parts.

Starlette on the same server, a pydantic model, and one asyncpg transaction that upserts the object and an outbox row;
no authentication, no routing, no ids. And the least that sends a page of kept locations.
"""

from typing import Any

import asyncpg
import uvicorn
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.routing import ANSWER, _free_port

TABLES = """
CREATE TABLE bare_object (owner text, id text, document jsonb, last_updated timestamptz, PRIMARY KEY (owner, id));
CREATE TABLE bare_outbox (platform text, lane text, version int, due_at timestamptz, PRIMARY KEY (platform, lane));
"""
KEEP = """
INSERT INTO bare_object VALUES ($1, $2, $3, now())
ON CONFLICT (owner, id) DO UPDATE SET document = excluded.document, last_updated = excluded.last_updated
"""
OWE = """
INSERT INTO bare_outbox VALUES ('emsp', $1, 1, now())
ON CONFLICT (platform, lane) DO UPDATE SET version = bare_outbox.version + 1, due_at = excluded.due_at
"""


LISTED = """
CREATE TABLE bare_listed (pk bigint PRIMARY KEY, owner text, document jsonb, last_updated timestamptz);
INSERT INTO bare_listed SELECT pk, owner_key, document::jsonb, last_updated FROM location;
CREATE INDEX ON bare_listed (owner, pk);
ANALYZE bare_listed;
"""
"""What the hub keeps of locations, as the least that lists them would keep it."""
PAGE = "SELECT document::text FROM bare_listed WHERE owner = ANY($1) ORDER BY pk LIMIT 100"
PAGE_OF_HUB = "SELECT document::text FROM location WHERE owner_key = ANY($1) ORDER BY pk LIMIT 100"
"""The same of the hub's own table, whose documents are text."""


class Connector(BaseModel):
    id: str
    standard: str
    format: str
    power_type: str
    max_voltage: int
    max_amperage: int
    last_updated: str


class Evse(BaseModel):
    uid: str
    evse_id: str
    status: str
    connectors: list[Connector]
    last_updated: str


class Place(BaseModel):
    """The fields of the location that is sent."""

    country_code: str
    party_id: str
    id: str
    publish: bool
    name: str
    address: str
    city: str
    postal_code: str
    country: str
    coordinates: dict[str, str]
    evses: list[Evse]
    time_zone: str
    last_updated: str


def serve_bare(port: Any, database_url: str, tables: str = TABLES) -> None:
    """Serve until the process is ended; the port is put into the queue `port`. Pages are of a hub's locations."""
    number = _free_port()
    pools: list[asyncpg.Pool] = []

    async def put(request: Request) -> Response:
        body = await request.body()
        place = Place.model_validate_json(body)
        owner = f"{place.country_code}/{place.party_id}"
        async with pools[0].acquire() as connection, connection.transaction():
            await connection.execute(KEEP, owner, place.id, body.decode())
            await connection.execute(OWE, f"locations/{owner}/{place.id}")
        return Response(ANSWER, media_type="application/json")

    async def page(request: Request) -> Response:
        rows = await pools[0].fetch(PAGE_OF_HUB if "hub" in request.url.path else PAGE, ["nl/abc"])
        body = '{"data":[' + ",".join([row["document"] for row in rows]) + '],"status_code":1000}'
        return Response(body, media_type="application/json")

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            pools.append(await asyncpg.create_pool(database_url, min_size=20, max_size=20))
            await pools[0].execute(tables)
            await super().startup(sockets)
            port.put(number)

    app = Starlette(
        routes=[Route("/{cc}/{party}/{id}", put, methods=["PUT"]), Route("/page", page), Route("/page_of_hub", page)]
    )
    Server(uvicorn.Config(app, port=number, http="httptools", access_log=False, log_level="error")).run()
