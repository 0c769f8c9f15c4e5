"""A simulated CPO: it publishes a location and a tariff, hears tokens, and charges cars when it is asked to."""

import asyncio
import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web

from ocpi_hub.simulator.platform import Document, HubSaidNo, SimulatedPlatform
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.types import format_datetime, parse_datetime, same_id

PRICE_PER_KWH = Decimal("0.45")
POWER_KW = Decimal(50)


class SimulatedCpo(SimulatedPlatform):
    """A CPO platform with one location of two EVSEs, priced per kWh."""

    role = "CPO"
    modules = (
        ("locations", "SENDER"),
        ("tariffs", "SENDER"),
        ("sessions", "SENDER"),
        ("cdrs", "SENDER"),
        ("tokens", "RECEIVER"),
        ("commands", "RECEIVER"),
        ("hubclientinfo", "RECEIVER"),
    )
    kept_modules = ("tokens", "hubclientinfo")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now = format_datetime(datetime.now(UTC))
        owner = {"country_code": self.party.country_code, "party_id": self.party.party_id}
        component = {"type": "ENERGY", "price": PRICE_PER_KWH, "vat": Decimal(21), "step_size": 1}
        self.tariff: Document = {
            **owner,
            "id": "PER-KWH",
            "currency": "EUR",
            "elements": [{"price_components": [component]}],
            "last_updated": now,
        }
        self.location: Document = {
            **owner,
            "id": "STATION-1",
            "publish": True,
            "name": "Station Square",
            "address": "Stationsplein 1",
            "city": "Utrecht",
            "postal_code": "3511ED",
            "country": "NLD",
            "coordinates": {"latitude": "52.089444", "longitude": "5.110278"},
            "time_zone": "Europe/Amsterdam",
            "evses": [self._evse(number, now) for number in (1, 2)],
            "last_updated": now,
        }
        self.own = {
            "locations": {"station-1": self.location},
            "tariffs": {"per-kwh": self.tariff},
            "sessions": {},
            "cdrs": {},
        }
        self._stops: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def _evse(self, number: int, now: str) -> Document:
        connector = {
            "id": "1",
            "standard": "IEC_62196_T2_COMBO",
            "format": "CABLE",
            "power_type": "DC",
            "max_voltage": 500,
            "max_amperage": 100,
            "max_electric_power": 50000,
            "tariff_ids": ["PER-KWH"],
            "last_updated": now,
        }
        return {
            "uid": f"EVSE-{number}",
            "evse_id": f"{self.party.country_code}*{self.party.party_id}*E{number:04d}",
            "status": "AVAILABLE",
            "capabilities": ["REMOTE_START_STOP_CAPABLE", "RFID_READER"],
            "connectors": [connector],
            "last_updated": now,
        }

    def _path(self, object_id: str) -> str:
        return f"/{self.party.country_code}/{self.party.party_id}/{object_id}"

    async def publish(self) -> None:
        """Tell the hub about the tariff and the location."""
        await self.say("PUT", "tariffs", "RECEIVER", self._path("PER-KWH"), self.tariff)
        await self.say("PUT", "locations", "RECEIVER", self._path("STATION-1"), self.location)
        self._tell("supply", f"told {self.hub} of the tariff PER-KWH and the location STATION-1")

    async def set_status(self, evse_uid: str, status: str) -> None:
        """Change an EVSE's status and tell the hub by PATCH."""
        now = format_datetime(datetime.now(UTC))
        for evse in self.location["evses"]:
            if same_id(evse["uid"], evse_uid):
                evse["status"], evse["last_updated"] = status, now
        self.location["last_updated"] = now
        change = {"status": status, "last_updated": now}
        await self.say("PATCH", "locations", "RECEIVER", self._path("STATION-1") + f"/{evse_uid}", change)

    async def charge(
        self, token: Document, evse_uid: str, *, seconds: float = 6.0, auth: str = "WHITELIST"
    ) -> Document:
        """One charge from session to CDR; returns the CDR. `auth` is the OCPI AuthMethod."""
        session = self._session(token, evse_uid, auth)
        owner = PartyId(token["country_code"], token["party_id"])
        await self.set_status(evse_uid, "CHARGING")
        await self._tell_session(session, owner)
        stop = self._stops.setdefault(session["id"], asyncio.Event())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
        del self._stops[session["id"]]
        cdr = self._finish(session)
        await self._tell_session(session, owner)
        await self.say("POST", "cdrs", "RECEIVER", "", cdr, to=owner)
        await self.set_status(evse_uid, "AVAILABLE")
        return cdr

    async def _tell_session(self, session: Document, owner: PartyId) -> None:
        self.own["sessions"][session["id"].lower()] = session
        await self.say("PUT", "sessions", "RECEIVER", self._path(session["id"]), session, to=owner)

    def _session(self, token: Document, evse_uid: str, auth: str) -> Document:
        now = format_datetime(datetime.now(UTC))
        return {
            "country_code": self.party.country_code,
            "party_id": self.party.party_id,
            "id": str(uuid4()),
            "start_date_time": now,
            "kwh": Decimal(0),
            "cdr_token": {k: token[k] for k in ("country_code", "party_id", "uid", "type", "contract_id")},
            "auth_method": auth,
            "location_id": "STATION-1",
            "evse_uid": evse_uid,
            "connector_id": "1",
            "currency": "EUR",
            "charging_periods": [],
            "status": "ACTIVE",
            "last_updated": now,
        }

    def _finish(self, session: Document) -> Document:
        end = datetime.now(UTC)
        start = parse_datetime(session["start_date_time"])
        hours = Decimal(str((end - start).total_seconds())) / 3600
        kwh = (hours * POWER_KW).quantize(Decimal("0.001"))
        dimensions = [
            {"type": "ENERGY", "volume": kwh},
            {"type": "TIME", "volume": hours.quantize(Decimal("0.0001"))},
        ]
        periods = [{"start_date_time": session["start_date_time"], "dimensions": dimensions, "tariff_id": "PER-KWH"}]
        cost = kwh * PRICE_PER_KWH
        price = {
            "excl_vat": cost.quantize(Decimal("0.0001")),
            "incl_vat": (cost * Decimal("1.21")).quantize(Decimal("0.0001")),
        }
        stamp = format_datetime(end)
        session.update(status="COMPLETED", kwh=kwh, end_date_time=stamp, charging_periods=periods, total_cost=price)
        session["last_updated"] = stamp
        evse = next(e for e in self.location["evses"] if same_id(e["uid"], session["evse_uid"]))
        connector = evse["connectors"][0]
        place = {
            k: self.location[k] for k in ("id", "name", "address", "city", "postal_code", "country", "coordinates")
        }
        place.update(
            evse_uid=evse["uid"],
            evse_id=evse["evse_id"],
            connector_id="1",
            connector_standard=connector["standard"],
            connector_format=connector["format"],
            connector_power_type=connector["power_type"],
        )
        cdr = {
            "country_code": self.party.country_code,
            "party_id": self.party.party_id,
            "id": str(uuid4()),
            "start_date_time": session["start_date_time"],
            "end_date_time": stamp,
            "session_id": session["id"],
            "cdr_token": session["cdr_token"],
            "auth_method": session["auth_method"],
            "cdr_location": place,
            "currency": "EUR",
            "tariffs": [self.tariff],
            "charging_periods": periods,
            "total_cost": price,
            "total_energy": kwh,
            "total_energy_cost": price,
            "total_time": hours.quantize(Decimal("0.0001")),
            "last_updated": stamp,
        }
        self.own["cdrs"][cdr["id"].lower()] = cdr
        return cdr

    async def hear(self, request: web.Request, role: str, module: str, path: list[str], document: Any) -> web.Response:
        if (role, module, request.method) != ("RECEIVER", "commands", "POST"):
            return await super().hear(request, role, module, path, document)
        command = path[0] if path else ""
        result = "NOT_SUPPORTED"
        if command == "START_SESSION":
            known = document.get("location_id") == "STATION-1"
            result = "ACCEPTED" if known else "REJECTED"
        elif command == "STOP_SESSION":
            result = "ACCEPTED" if document.get("session_id") in self._stops else "UNKNOWN_SESSION"
        if result == "ACCEPTED":
            asyncio.get_running_loop().call_soon(self._act, command, document)
        return self._reply(request, data={"result": result, "timeout": 30})

    def _act(self, command: str, document: Document) -> None:
        task = asyncio.create_task(self._do(command, document))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, command: str, document: Document) -> None:
        evse_uid = document.get("evse_uid") or "EVSE-1"
        try:
            await self.post_to(document["response_url"], {"result": "ACCEPTED"})
            if command == "STOP_SESSION":
                self._stops[document["session_id"]].set()
                return
            await self.charge(document["token"], evse_uid, auth="COMMAND")
        except (HubSaidNo, aiohttp.ClientError) as error:
            self._tell("error", str(error))
