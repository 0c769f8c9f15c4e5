"""Six platforms that registered, each with its objects at the hub, under the same ids, and what is kept of them."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import text

from ocpi_hub.delivery import jobs
from tests.matrix.words import AGREEMENTS, DRIVERS_OF, HUB, MODULES, OWNER, PARTIES, PRIVATE, ROLES, owns
from tests.routing.roaming import OWED
from tests.world import objects
from tests.world.hub import Hub, running_hub
from tests.world.partner import Partner

LATER = "2026-03-02T10:00:00Z"
_TABLES = {"locations": "location", "tariffs": "tariff", "sessions": "session", "cdrs": "cdr", "tokens": "token"}
_KEPT = text(
    " UNION ALL ".join(
        f"SELECT '{module}', owner_key, key, document::text FROM {table}" for module, table in _TABLES.items()
    )
)
_numbers = itertools.count(1)


def ids_of(module: str) -> tuple[tuple[str, str | None], ...]:
    """The ids of each owner's objects of a module, and whose driver a private one is for."""
    if module in PRIVATE:
        return tuple((f"{module}-{driver[:2]}", driver) for driver in DRIVERS_OF)
    return ((f"{module}-1", None),)


def document(module: str, owner: str, object_id: str, **changes: Any) -> dict[str, Any]:
    """A valid object of this owner; `z_mark` says whose it is, wherever it turns up."""
    pair = (owner[:2], owner[3:])
    driver = next((driver for known, driver in ids_of(module) if known == object_id), None)
    driver = driver or (DRIVERS_OF[0] if module in PRIVATE else None)
    changes = {"z_mark": f"{owner} {object_id}", "last_updated": LATER} | changes
    if driver is not None:
        changes["cdr_token"] = objects.cdr_token(owner=(driver[:2], driver[3:]))
    builder = getattr(objects, module[:-1])
    found: dict[str, Any] = builder(object_id, owner=pair, **changes)
    return found


@dataclass
class World:
    hub: Hub
    closed: bool
    partners: dict[str, Partner]
    sent: dict[str, str] = field(default_factory=dict)  # correlation id → what it was

    async def ask(
        self,
        me: str,
        verb: str,
        module: str,
        path: str = "",
        *,
        role: str = "RECEIVER",
        from_: str | None = None,
        to: str | None = HUB,
        body: Any = None,
        what: str = "",
    ) -> httpx.Response:
        """A request of a platform, with its own token."""
        name = f"matrix-{next(_numbers)}"
        self.sent[name] = what or f"{me} {verb} {module} {path} from {from_} to {to}"
        headers = {"X-Correlation-ID": name}
        return await self.partners[me].call(
            verb, module, path, role=role, from_=from_ or me, to=to, json=body, headers=headers
        )

    async def owned(self) -> dict[tuple[str, str, str], str]:
        """(module, owner, key) → the document, of everything that is kept."""
        async with self.hub.resources.sessions() as db:
            return {(module, owner.upper(), key): kept for module, owner, key, kept in await db.execute(_KEPT)}

    async def told(self) -> None:
        """Wait until nobody is owed anything that can be told now."""
        async with asyncio.timeout(20):
            while True:
                async with self.hub.resources.sessions() as db:
                    if not await db.scalar(OWED):
                        return
                await asyncio.sleep(0.02)

    def heard(self) -> dict[str, set[str]]:
        """Correlation id of a request of this test → the parties that something of it reached."""
        found: dict[str, set[str]] = {}
        for party, partner in self.partners.items():
            for heard in partner.heard:
                name = heard.headers.get("X-Correlation-ID", "")
                if name in self.sent:
                    found.setdefault(name, set()).add(party)
        return found

    def forget(self) -> None:
        self.sent.clear()
        for partner in self.partners.values():
            partner.heard.clear()


@asynccontextmanager
async def six_parties(database_url: str, redis_url: str, *, closed: bool) -> AsyncIterator[World]:
    """The world, with everybody's objects kept and told to whom they are for."""
    mode = "closed" if closed else "open"
    async with (
        running_hub(database_url, redis_url, works=True, agreements=mode) as hub,
        AsyncExitStack() as stack,
    ):
        partners = {}
        for party in PARTIES:
            first, *more = ((role, party[:2], party[3:]) for role in sorted(ROLES[party]))
            partner = await stack.enter_async_context(Partner(first, more=tuple(more), name=party))
            answer = await partner.register(hub.versions_url, await hub.invite(party))
            assert answer.json()["status_code"] == 1000, answer.text
            partners[party] = partner
        for number, ((a, b), modules) in enumerate(AGREEMENTS.items() if closed else ()):
            body = {"parties": [a, b], "modules": sorted(modules)}
            assert (await hub.admin("PUT", f"/agreements/{number}", body)).status_code == 201
        await jobs.turn_agreements(hub.resources)
        world = World(hub, closed, partners)
        for module in MODULES:
            for party in (party for party in PARTIES if owns(party, module)):
                await keep(world, party, module)
        await world.told()
        world.forget()
        yield world


async def keep(world: World, owner: str, module: str, **changes: Any) -> None:
    """The owner tells the hub of its objects of a module."""
    for object_id, _ in ids_of(module):
        kept = document(module, owner, object_id, **changes)
        verb, path = ("POST", "") if OWNER[module] and module == "cdrs" else ("PUT", f"{owner}/{object_id}")
        answer = await world.ask(owner, verb, module, path, body=kept)
        assert answer.json()["status_code"] == 1000, answer.text


def marks(answer: httpx.Response) -> set[str]:
    """Whose objects are in an answer, wherever in it."""
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            found.update([value["z_mark"]] if "z_mark" in value else [])
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(json.loads(answer.content))
    return found
