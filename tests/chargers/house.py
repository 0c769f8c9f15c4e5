"""The chargers room as these tests use it: a real database and partners, a clock to turn, and a bridge that is played.

The bridge's own two Protocols are played here because the bridge is not the subject: tests/journeys has the real one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

from bridge_ocpp import port
from bridge_ocpp.port import IdToken, Sample, StateChange, Transaction
from ocpi_hub.base.database import Bell
from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.chargers import cards, placing, tariffs
from ocpi_hub.chargers.events import HubEvents
from ocpi_hub.chargers.tables import ChargerPlacement, SessionLink
from ocpi_hub.delivery import publish
from ocpi_hub.delivery.tables import Owed
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import CDRS, LOCATIONS, SESSIONS, TOKENS, Kind
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.tables import Endpoint, Party, Platform
from ocpi_hub.wire import json
from ocpi_hub.wire.headers import PartyId
from tests.world import chargers, objects
from tests.world.partner import Partner

Row = TypeVar("Row", bound=SQLModel)

CPO = PartyId(*objects.CPO)
EMSP = PartyId(*objects.EMSP)
START = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday, 11:00 in Amsterdam
CARD = "04A1B2C3D4E5F6"
LOCATION = {"id": "LOC1", **chargers.LOCATION}


@dataclass
class PlayedBridge:
    """ChargerBook and ChargerPort of a test: what it registered, what it knows, what it was asked."""

    registered: dict[str, port.NewCharger] = field(default_factory=dict)
    known: dict[str, tuple[Transaction, tuple[Sample, ...], tuple[StateChange, ...]]] = field(default_factory=dict)
    asked: list[tuple[str, port.Command, timedelta]] = field(default_factory=list)
    showing: set[str] = field(default_factory=set)
    """Chargers whose drivers see what they pay."""
    preferred: dict[str, port.Preference] = field(default_factory=dict)
    site_w: Decimal | None = None
    """What the site of every charger gives at most, if it has one."""

    async def prefer(self, transaction_id: str, preference: port.Preference, _db: AsyncSession) -> None:
        self.preferred[transaction_id] = preference

    async def most_power(self, _transaction_id: str, _db: AsyncSession) -> Decimal | None:
        return self.site_w

    async def shows_cost(self, charger_id: str, db: Any) -> bool:
        return charger_id in self.showing

    outcome: port.Outcome = field(default_factory=lambda: port.Outcome(port.OutcomeStatus.ACCEPTED))

    async def register(self, charger: port.NewCharger, db: Any) -> None:
        if charger.id.lower() in self.registered:
            raise KeyError(charger.id)
        self.registered[charger.id.lower()] = charger

    async def remove(self, charger_id: str, db: Any) -> bool:
        return self.registered.pop(charger_id.lower(), None) is not None

    async def transaction(self, transaction_id: str, db: Any) -> Any:
        return self.known.get(transaction_id)

    async def ask(self, charger_id: str, command: port.Command, *, within: timedelta) -> port.Outcome:
        self.asked.append((charger_id, command, within))
        return self.outcome


class House:
    """One hub process with chargers, and what it keeps and owes. `now` is its clock."""

    def __init__(self, resources: Resources, bells: list[Bell]) -> None:
        self.resources = resources
        self.bells = bells
        self.now = START
        resources.clock = lambda: self.now
        self.bridge = PlayedBridge()
        resources.put(port.ChargerBook, self.bridge)  # type: ignore[type-abstract]
        resources.put(port.ChargerPort, self.bridge)  # type: ignore[type-abstract]
        resources.put(port.SmartBook, self.bridge)  # type: ignore[type-abstract,arg-type]
        resources.put(port.WatchBook, self.bridge)  # type: ignore[type-abstract,arg-type]
        self.events = HubEvents(resources)

    # -- what an operator and partners do --------------------------------------------------------------------------

    async def add_charger(self, charger_id: str = "BOX-1", *, online: bool = True, **body: Any) -> ChargerPlacement:
        body = {"location": LOCATION, "evses": [{"uid": "EVSE1"}], "tariff_ids": ["TARIFF1"]} | body
        async with self.resources.unit_of_work() as db:
            new = placing.NewPlace(id=charger_id, password="12345678", **body)
            placement = await placing.add(self.resources, new, db)
        if online:
            await self.hear(port.ChargerOnline(charger_id, self.now, online=True))
        return placement

    async def add_tariff(self, tariff_id: str = "TARIFF1", **changes: Any) -> None:
        async with self.resources.unit_of_work() as db:
            await tariffs.put(self.resources, tariff_id, objects.tariff(tariff_id, **changes), db)

    async def add_card(self, uid: str, **card: Any) -> None:
        async with self.resources.unit_of_work() as db:
            await cards.put(db, cards.Card(uid=uid, **card), at=self.now)

    async def add_partner(self, partner: Partner | None = None, party: PartyId = EMSP, *, name: str = "MSP") -> str:
        """A connected eMSP; without a real `partner` nobody listens at its URLs."""
        base = partner.url if partner is not None else "http://127.0.0.1:9"
        token = partner.issue() if partner is not None else "nobody's"
        modules = ("locations", "tariffs", "sessions", "cdrs", "commands")
        async with self.resources.unit_of_work() as db:
            sealed = Vault.of(self.resources.settings).seal(token)
            versions_url = "https://msp.example.com/ocpi/versions"  # and its endpoints are elsewhere
            times = {"created_at": START, "registered_at": START, "status_changed_at": START}
            known: dict[str, Any] = {"their_credentials_token": sealed, "versions_url": versions_url}
            db.add(Platform(id=name, name=name, status="CONNECTED", **known, **times))
            await db.flush()
            db.add(
                Party(
                    platform_id=name,
                    key=party.key,
                    country_code=party.country_code,
                    party_id=party.party_id,
                    role="EMSP",
                    changed_at=START,
                )
            )
            for module in modules:
                url = f"{base}/ocpi/receiver/{module}"
                db.add(Endpoint(platform_id=name, identifier=module, role="RECEIVER", url=url))
            db.add(Endpoint(platform_id=name, identifier="tokens", role="SENDER", url=f"{base}/ocpi/sender/tokens"))
            self.resources.one(Directory).changed(db)
        return name

    async def add_token(self, uid: str = CARD, *, owner: PartyId = EMSP, **changes: Any) -> None:
        document = objects.token(uid, owner=(owner.country_code, owner.party_id), **changes)
        async with self.resources.unit_of_work() as db:
            await publish.put(db, TOKENS, owner=owner, document=document, source="MSP", at=self.now, correlation_id="c")

    # -- what chargers do ------------------------------------------------------------------------------------------

    async def hear(self, event: port.Event) -> None:
        async with self.resources.unit_of_work() as db:
            await self.events.heard(event, db)

    async def status(self, word: str, *, evse_id: int = 1, connector_id: int = 1, charger_id: str = "BOX-1") -> None:
        status = port.ConnectorStatus(word)
        await self.hear(port.ConnectorStatusChanged(charger_id, self.now, evse_id, connector_id, status))

    async def authorize(
        self, uid: str = CARD, *, evse_id: int | None = None, charger_id: str = "BOX-1", kind: str = "ISO14443"
    ) -> port.Verdict:
        async with self.resources.unit_of_work() as db:
            return await self.events.may_charge(IdToken(uid, kind), port.Where(charger_id, evse_id), db)

    def tick(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now

    # -- what is kept and owed -------------------------------------------------------------------------------------

    async def document(self, kind: Kind, object_id: str, owner: PartyId = CPO) -> Any:
        async with self.resources.unit_of_work() as db:
            kept = await reading.get(db, kind, owner=owner, object_id=object_id)
        return json.loads(kept.document) if kept is not None else None

    async def evse(self, uid: str = "EVSE1", location_id: str = "LOC1") -> Any:
        location = await self.document(LOCATIONS, location_id)
        return next(evse for evse in location["evses"] if evse["uid"] == uid)

    async def rows(self, table: type[Row], *order: Any) -> Sequence[Row]:
        async with self.resources.unit_of_work() as db:
            return (await db.scalars(select(table).order_by(*order))).all()

    async def owed(self) -> list[str]:
        """The lanes that are owed, oldest debt first."""
        return [row.lane for row in await self.rows(Owed, col(Owed.id))]

    async def settle(self) -> None:
        """Forget all debts, as if they had been told."""
        async with self.resources.unit_of_work() as db:
            for row in await db.scalars(select(Owed)):
                await db.delete(row)

    async def link(self, transaction_id: str = "T1") -> SessionLink:
        async with self.resources.unit_of_work() as db:
            link = await db.get(SessionLink, transaction_id)
        assert link is not None
        return link

    async def session(self, transaction_id: str = "T1") -> Any:
        return await self.document(SESSIONS, str((await self.link(transaction_id)).session_id))

    async def cdr(self, transaction_id: str = "T1") -> Any:
        return await self.document(CDRS, str((await self.link(transaction_id)).cdr_id))


def transaction(uid: str | None = CARD, **facts: Any) -> Transaction:
    """A transaction at EVSE 1 of BOX-1 that began at START."""
    token = IdToken(uid) if uid is not None else None
    plain = {"id": "T1", "charger_id": "BOX-1", "ocpp_id": "1", "evse_id": 1, "connector_id": 1, "started_at": START}
    return Transaction(**({"id_token": token} | plain | facts))


def register(minutes: float, wh: float, *, context: str = "Sample.Periodic") -> Sample:
    at = START + timedelta(minutes=minutes)
    return Sample(at, "Energy.Active.Import.Register", Decimal(str(wh)), "Wh", context=context)


def state(minutes: float, word: str) -> StateChange:
    return StateChange(START + timedelta(minutes=minutes), port.ChargingState(word))
