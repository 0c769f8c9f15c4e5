"""A simulated eMSP: it owns tokens, hears locations, sessions and CDRs, and starts charges from its app."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web

from ocpi_hub.simulator.platform import Document, SimulatedPlatform
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.types import format_datetime


class ChargeFailed(Exception):
    """A charge from the app did not come about; the text says where it ended."""


class SimulatedEmsp(SimulatedPlatform):
    """An eMSP platform. `refused` are uids that a real-time authorisation answers with BLOCKED."""

    role = "EMSP"
    modules = (
        ("locations", "RECEIVER"),
        ("tariffs", "RECEIVER"),
        ("sessions", "RECEIVER"),
        ("cdrs", "RECEIVER"),
        ("tokens", "SENDER"),
        ("commands", "SENDER"),
        ("hubclientinfo", "RECEIVER"),
    )
    kept_modules = ("locations", "tariffs", "sessions", "cdrs", "hubclientinfo")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own = {"tokens": {}}
        self.refused: set[str] = set()
        self.results: dict[str, asyncio.Future[Document]] = {}

    async def issue_token(self, uid: str, *, whitelist: str = "ALLOWED", kind: str = "RFID") -> Document:
        """Give a driver a token and tell the hub. `whitelist` is the OCPI WhitelistType."""
        token = {
            "country_code": self.party.country_code,
            "party_id": self.party.party_id,
            "uid": uid,
            "type": kind,
            "contract_id": f"{self.party.country_code}-{self.party.party_id}-C{uid[-8:]}",
            "issuer": self.name,
            "valid": True,
            "whitelist": whitelist,
            "last_updated": format_datetime(datetime.now(UTC)),
        }
        self.own["tokens"][uid.lower()] = token
        path = f"/{self.party.country_code}/{self.party.party_id}/{uid}?type={kind}"
        await self.say("PUT", "tokens", "RECEIVER", path, token)
        return token

    async def charge(
        self, owner: PartyId, location_id: str, evse_uid: str | None, token: Document, *, seconds: float
    ) -> Document:
        """Start a charge from the app, stop it after `seconds`, and give its CDR.

        Raises ChargeFailed when the CPO does not start or stop it, or when no Session or CDR comes of it.
        """
        sessions, cdrs = set(self.store["sessions"]), set(self.store["cdrs"])
        started = await self.start_session(owner, location_id, evse_uid, token)
        if started["result"] != "ACCEPTED":
            raise ChargeFailed(f"START_SESSION ended with {started['result']}")
        session = await self._new("sessions", sessions, within=20)
        await asyncio.sleep(seconds)
        stopped = await self.stop_session(owner, session["id"])
        if stopped["result"] != "ACCEPTED":
            raise ChargeFailed(f"STOP_SESSION ended with {stopped['result']}")
        return await self._new("cdrs", cdrs, within=60)

    async def _new(self, module: str, known: set[str], *, within: float) -> Document:
        kept = self.store[module]
        try:
            await self.until(lambda: bool(set(kept) - known), within=within)
        except TimeoutError:
            raise ChargeFailed(f"nothing new came for {module} within {within:.0f} s") from None
        return kept[(set(kept) - known).pop()]

    async def start_session(self, owner: PartyId, location_id: str, evse_uid: str | None, token: Document) -> Document:
        """Ask for a charge from the app and wait for the CommandResult."""
        body = {"token": token, "location_id": location_id} | ({"evse_uid": evse_uid} if evse_uid else {})
        return await self._command("START_SESSION", body, owner)

    async def stop_session(self, owner: PartyId, session_id: str) -> Document:
        """Ask for the end of a charge and wait for the CommandResult."""
        return await self._command("STOP_SESSION", {"session_id": session_id}, owner)

    async def _command(self, command: str, body: Document, owner: PartyId) -> Document:
        uid = str(uuid4())
        self.results[uid] = asyncio.get_running_loop().create_future()
        body["response_url"] = f"{self.url}/ocpi/2.2.1/sender/commands/{command}/{uid}"
        answer = await self.say("POST", "commands", "RECEIVER", f"/{command}", body, to=owner)
        self._tell("command", f"asked {owner} for {command}: {answer['result']}")
        if answer["result"] != "ACCEPTED":
            del self.results[uid]
            return {"result": answer["result"]}
        try:
            async with asyncio.timeout(float(answer["timeout"]) + 5):
                return await self.results[uid]
        except TimeoutError:
            return {"result": "TIMEOUT"}
        finally:
            del self.results[uid]

    async def hear(self, request: web.Request, role: str, module: str, path: list[str], document: Any) -> web.Response:
        if (role, module, request.method) == ("SENDER", "commands", "POST"):
            waiting = self.results.get(path[-1])
            if waiting is None or waiting.done():
                return self._reply(request, 404, status_code=2001, message="no such command")
            waiting.set_result(document)
            self._tell("command", f"heard the result of {path[0]}: {document['result']}")
            return self._reply(request)
        if (role, module) == ("SENDER", "tokens") and path[1:] == ["authorize"]:
            return self._authorize(request, path[0], document)
        return await super().hear(request, role, module, path, document)

    def _authorize(self, request: web.Request, uid: str, document: Any) -> web.Response:
        token = self.own["tokens"].get(uid.lower())
        if token is None:
            return self._reply(request, 404, status_code=2004, message="unknown token")
        info: Document = {
            "allowed": "BLOCKED" if uid in self.refused else "ALLOWED",
            "token": token,
            "authorization_reference": str(uuid4()),
        }
        if document:
            info["location"] = document
        self._tell("authorize", f"answered {info['allowed']}")
        return self._reply(request, data=info)
