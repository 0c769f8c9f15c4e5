"""What the tests of the owned modules share: partners that registered, objects of theirs, answers read strictly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery import publish
from ocpi_hub.objects.kinds import Kind
from tests.world.hub import Hub
from tests.world.objects import Json
from tests.world.partner import Partner

ABC, MSP = ("NL", "ABC"), ("DE", "MSP")
LATER = "2026-03-01T12:00:00Z"


@asynccontextmanager
async def registered(hub: Hub, *parties: tuple[str, str, str]) -> AsyncIterator[Partner]:
    """A partner platform with these parties, through the handshake; it unregisters at the end. The invitation names
    them, for another platform of another test may have had them before."""
    async with Partner(parties[0], more=parties[1:], name="/".join(parties[0])) as partner:
        answer = await partner.register(hub.versions_url, await hub.invite(partner.name, parties=parties))
        assert answer.json()["status_code"] == 1000, answer.text
        yield partner
        await partner.request("DELETE", partner.credentials_url)


def said(response: httpx.Response) -> tuple[int, int]:
    """The HTTP status and the OCPI status of an answer, which must be a whole envelope."""
    answer = response.json()
    assert response.headers["content-type"] == "application/json"
    assert set(answer) <= {"data", "status_code", "status_message", "timestamp"}
    assert {"status_code", "timestamp"} <= set(answer)
    assert len(answer["timestamp"]) <= 25
    assert answer["timestamp"].endswith("Z")
    if answer["status_code"] != 1000:
        assert answer["status_message"]
        assert "data" not in answer
    return response.status_code, answer["status_code"]


def data(response: httpx.Response) -> Any:
    """The data of a success."""
    assert said(response) == (200, 1000), response.text
    return response.json()["data"]


def ids(response: httpx.Response) -> list[str]:
    return [one.get("id", one.get("uid")) for one in data(response)]


def next_url(response: httpx.Response) -> str | None:
    link = response.headers.get("link")
    if link is None:
        return None
    assert link.startswith("<")
    assert link.endswith('>; rel="next"')
    return str(link[1 : link.index(">")])


async def keep(
    resources: Resources,
    kind: Kind,
    document: Json,
    *,
    source: str | None = None,
    remove: bool = False,
    db: AsyncSession | None = None,
) -> None:
    """Keep (or forget) an object of our own chargers, as chargers/ does; in `db` when a transaction is open already."""
    if db is None:
        async with resources.unit_of_work() as own:
            await keep(resources, kind, document, source=source, remove=remove, db=own)
        return
    owner, at = kind.owner_of(document), resources.clock()
    if remove:
        await publish.remove(db, kind, owner=owner, object_id=document["id"], at=at, correlation_id="test")
    else:
        await publish.put(db, kind, owner=owner, document=document, source=source, at=at, correlation_id="test")
