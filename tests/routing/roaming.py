"""The cast of routing: two CPOs and three eMSPs, each on a platform of its own, and answers read strictly."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
from aiohttp import web
from sqlalchemy import text

from tests.world.faults import Fault
from tests.world.hub import Hub
from tests.world.partner import Heard, Partner

OWED = text("""
SELECT count(*) FROM owed JOIN platform ON platform.id = owed.platform_id
WHERE platform.status = 'CONNECTED' AND owed.dead_at IS NULL AND owed.attempts = 0
""")


@dataclass
class Roaming:
    """Everybody who is connected."""

    hub: Hub
    cpo: Partner  # NL/ABC
    cpo2: Partner  # BE/BEC
    emsp: Partner  # DE/MSP
    emsp2: Partner  # FR/EM2
    emsp3: Partner  # AT/EM3

    @classmethod
    async def begin(cls, hub: Hub, stack: AsyncExitStack) -> "Roaming":
        async def joined(role: str, country_code: str, party_id: str) -> Partner:
            party = (role, country_code, party_id)
            partner = await stack.enter_async_context(Partner(party, name=f"{country_code}/{party_id}"))
            answer = await partner.register(hub.versions_url, await hub.invite(partner.name))
            assert answer.json()["status_code"] == 1000, answer.text
            return partner

        world = cls(
            hub,
            cpo=await joined("CPO", "NL", "ABC"),
            cpo2=await joined("CPO", "BE", "BEC"),
            emsp=await joined("EMSP", "DE", "MSP"),
            emsp2=await joined("EMSP", "FR", "EM2"),
            emsp3=await joined("EMSP", "AT", "EM3"),
        )
        await world.quiet()
        return world

    @property
    def everybody(self) -> tuple[Partner, ...]:
        return (self.cpo, self.cpo2, self.emsp, self.emsp2, self.emsp3)

    async def told(self) -> None:
        """Wait until nobody is owed anything that can be told now."""
        async with asyncio.timeout(30):
            while True:
                async with self.hub.resources.sessions() as db:
                    if not await db.scalar(OWED):
                        return
                await asyncio.sleep(0.01)

    async def quiet(self) -> None:
        """Let what is owed be told, and forget that it was."""
        await self.told()
        for partner in self.everybody:
            partner.heard.clear()

    def others(self, *but: Partner) -> list[Heard]:
        """What the hub said to everybody else."""
        said = [heard for partner in self.everybody if partner not in but for heard in partner.heard]
        return [heard for heard in said if heard.module != "hubclientinfo"]


def said(answer: httpx.Response) -> tuple[int, int]:
    """The HTTP status and the OCPI status of an answer, which must be a whole one."""
    document = answer.json()
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-request-id"]
    assert answer.headers["x-correlation-id"]
    assert "timestamp" in document
    return answer.status_code, document["status_code"]


def routed(message: httpx.Response | Heard) -> tuple[str | None, str | None]:
    """(to, from) in the headers of a request or an answer."""

    def party(word: str) -> str | None:
        country = message.headers.get(f"OCPI-{word}-country-code")
        return None if country is None else f"{country}/{message.headers[f'OCPI-{word}-party-id']}"

    return party("to"), party("from")


def exactly(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Fault:
    """An answer of these bytes."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers={"Content-Type": "application/json", **(headers or {})})

    return answer


def raw_paths(heard: list[str]) -> Fault:
    """Notes the path and the query of each request as they came over the wire, and lets the partner answer."""

    async def note(request: web.Request) -> None:
        heard.append(request.raw_path)

    return note


def start_session(response_url: str, **changes: Any) -> dict[str, Any]:
    token = {"country_code": "DE", "party_id": "MSP", "uid": "T1", "type": "RFID", "contract_id": "C1"}
    token |= {"issuer": "MSP", "valid": True, "whitelist": "NEVER", "last_updated": "2026-03-01T10:00:00Z"}
    return {"response_url": response_url, "token": token, "location_id": "LOC1"} | changes
