"""What is done with each fact that a charger tells: ask about its token, write it down, reply.

A reply is returned only after its transaction is committed. Sockets and frames are elsewhere.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import reservations, status, transactions
from bridge_ocpp.coming import Arrivals, BootTold
from bridge_ocpp.desk import Desk
from bridge_ocpp.devices import reports, streams
from bridge_ocpp.dialects.car_words import CertificateStatusAsked, ChainStatusAsked, ContractAsked, VatNumberAsked
from bridge_ocpp.dialects.charging import LimitTold, ProfilesReported
from bridge_ocpp.dialects.device_words import ReportPart
from bridge_ocpp.dialects.monitoring import CustomerTold, EventsTold, MessagesTold, MonitorsTold
from bridge_ocpp.dialects.needs import NeedsTold, PlanTold
from bridge_ocpp.dialects.security_words import SecurityEvent, SigningWanted
from bridge_ocpp.dialects.stream_words import StreamClosed, StreamOpened, StreamTold
from bridge_ocpp.dialects.upkeep import FirmwareTold, LogTold, PublicationTold
from bridge_ocpp.dialects.words import (
    Beat,
    Boot,
    ConnectorTold,
    Fact,
    Metered,
    Notice,
    Reply,
    ReservationTold,
    TokenShown,
    TransactionTold,
    Transfer,
)
from bridge_ocpp.going import Departures
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import AuthStatus, IdToken, Nobody, Outside, Verdict, Where
from bridge_ocpp.security import cars, contracts, events, signing
from bridge_ocpp.security.inquiries import Inquiries
from bridge_ocpp.smart import keeping, looking, needs
from bridge_ocpp.speaker import ACCEPTED, Speaker
from bridge_ocpp.tables import ChargerRow, TransactionRow
from bridge_ocpp.transactions.news import News
from bridge_ocpp.upkeep import alerts, firmware, logs, publishing, reported

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reception(Desk):
    """The desk of those who hear chargers."""

    sharing: set[str] = field(default_factory=set)
    """The chargers, by key, whose sites share their power: only their meters need to be looked at for that."""

    outside: Outside = field(default_factory=Nobody)
    """Who asks the world for chargers."""

    news: News = field(init=False)
    """What only the meter has to say, written together with what others say meanwhile."""

    arrivals: Arrivals = field(init=False)
    """How chargers come: looked up, seated and booted."""

    departures: Departures = field(init=False)
    """How they go."""

    inquiries: Inquiries = field(init=False)
    """What issuers said of certificates."""

    def __post_init__(self) -> None:
        inquiries = Inquiries(self.outside, self.config.contract_authorities, now=self.now)
        object.__setattr__(self, "inquiries", inquiries)
        object.__setattr__(self, "arrivals", Arrivals(self.config, self.ledger, self.hub, self.sharing))
        object.__setattr__(self, "departures", Departures(self.ledger, self.hub))
        object.__setattr__(self, "news", News(self.ledger, self.config.update_interval))


async def handle(desk: Reception, speaker: Speaker, fact: Fact, *, protocol: str, received: datetime) -> Reply:
    """What came of a fact, once it is committed."""
    if isinstance(fact, Boot):
        answer = await desk.arrivals.booted(BootTold(fact, protocol, desk.hearing(speaker, received)))
        speaker.boot_answer = answer
        accepted = answer == ACCEPTED
        interval = desk.config.heartbeat_interval if accepted else desk.config.boot_interval
        return Reply(desk.now(), boot_status=answer, interval=interval)
    return await _HANDLERS[type(fact)](desk, speaker, fact, received)


async def _beat(desk: Reception, _speaker: Speaker, _told: Beat | Transfer, _received: datetime) -> Reply:
    return Reply(desk.now())


async def _token(desk: Reception, speaker: Speaker, told: TokenShown, _received: datetime) -> Reply:
    if not told.contract and told.chain is None:
        return Reply(desk.now(), verdict=await ask_verdict(desk, told.token, Where(speaker.id)))
    shown = told.token.value, told.chain, told.contract
    status = await contracts.status_of(desk.inquiries, *shown, charger_id=speaker.id)
    if status != contracts.ACCEPTED:
        return Reply(desk.now(), verdict=Verdict(AuthStatus.INVALID), content=status)
    verdict = await ask_verdict(desk, told.token, Where(speaker.id))
    return Reply(desk.now(), verdict=verdict, content=contracts.after(status, verdict))


async def _transaction(desk: Reception, speaker: Speaker, told: TransactionTold, received: datetime) -> Reply:
    _note(speaker, told.notes)
    verdict, hearing = None, desk.hearing(speaker, received)
    if transactions.names_no_place(told):
        speaker.note(transactions.AT_THE_WHOLE)
        told = await _at_the_only_evse(desk, speaker, told)
    if told.asks and told.id_token is not None:
        before = await desk.ledger.write(lambda db: transactions.answered(db, told, hearing))
        if before is not None:
            return Reply(desk.now(), verdict=before.verdict, ocpp_id=before.ocpp_id)
        where = Where(speaker.id, told.evse_id, told.connector_id)
        nowhere = transactions.names_no_place(told)
        verdict = Verdict(AuthStatus.INVALID) if nowhere else await ask_verdict(desk, told.id_token, where)

    if await desk.news.take(told, hearing, sharing=speaker.key in desk.sharing):
        return Reply(desk.now(), ocpp_id=told.ocpp_id)

    async def take(db: AsyncSession) -> tuple[TransactionRow, Verdict | None, Decimal | None]:
        row, said = await transactions.take(db, told, hearing, verdict), verdict
        if speaker.key in desk.sharing:
            await looking.measured(db, speaker.key, row.evse_id, told.readings, at=received)
        if told.id_token is not None and not told.asks:
            said = await transactions.verdict_at_start(db, row, told.id_token)
        return row, said, await _total_cost(db, desk, row)

    row, said, total_cost = await desk.ledger.write(take)
    return Reply(desk.now(), verdict=said, ocpp_id=row.ocpp_id, total_cost=total_cost)


async def _at_the_only_evse(desk: Reception, speaker: Speaker, told: TransactionTold) -> TransactionTold:
    return await desk.ledger.write(lambda db: transactions.at_the_only_evse(db, told, speaker.key))


async def _total_cost(db: AsyncSession, desk: Reception, row: TransactionRow) -> Decimal | None:
    """What a transaction that is over and told cost, at a charger that shows it."""
    if row.told_at is None or not await db.scalar(
        select(col(ChargerRow.shows_cost)).where(col(ChargerRow.key) == row.charger_key)
    ):
        return None
    return await desk.hub.cost_of(row.id, db)


def _written(work: Callable[[AsyncSession, Any, Hearing], Awaitable[None]]) -> Callable[..., Awaitable[Reply]]:
    async def handler(desk: Reception, speaker: Speaker, told: Any, received: datetime) -> Reply:
        hearing = desk.hearing(speaker, received)
        await desk.ledger.write(lambda db: work(db, told, hearing))
        return Reply(desk.now())

    return handler


async def _events_told(db: AsyncSession, told: EventsTold, hearing: Hearing) -> None:
    await alerts.events_told(db, told, hearing)
    for each in told.statuses:
        await status.connector_told(db, each, hearing)


async def _stream_opened(desk: Reception, speaker: Speaker, told: StreamOpened, received: datetime) -> Reply:
    hearing = desk.hearing(speaker, received)
    return Reply(desk.now(), accepted=await desk.ledger.write(lambda db: streams.opened(db, told, hearing)))


async def _certificate_status(desk: Reception, speaker: Speaker, told: CertificateStatusAsked, _: datetime) -> Reply:
    return await cars.certificate_status(desk.inquiries, speaker, told)


async def _chain_status(desk: Reception, _speaker: Speaker, told: ChainStatusAsked, _received: datetime) -> Reply:
    return await cars.chain_status(desk.inquiries, told)


async def _contract(desk: Reception, speaker: Speaker, told: ContractAsked, _received: datetime) -> Reply:
    return await cars.contract(desk.outside, desk.inquiries, speaker, told)


async def _vat_number(desk: Reception, speaker: Speaker, told: VatNumberAsked, _received: datetime) -> Reply:
    return await cars.vat_number(desk.outside, desk.inquiries, speaker, told)


def _note(speaker: Speaker, notes: tuple[str, ...]) -> None:
    for note in notes:
        speaker.note(note)


async def _meter(desk: Reception, speaker: Speaker, told: Metered, received: datetime) -> Reply:
    _note(speaker, told.notes)
    if not told.readings:
        return Reply(desk.now())
    hearing = desk.hearing(speaker, received)

    if told.ocpp_id is None and speaker.key not in desk.sharing:
        await desk.news.take_loose(told, hearing)
        return Reply(desk.now())
    if await desk.news.take(told, hearing, sharing=speaker.key in desk.sharing):
        return Reply(desk.now())

    async def take(db: AsyncSession) -> None:
        await transactions.metered(db, told, hearing)
        if speaker.key in desk.sharing:
            await looking.measured(db, speaker.key, told.evse_id, told.readings, at=received)

    await desk.ledger.write(take)
    return Reply(desk.now())


async def _signing_wanted(desk: Reception, speaker: Speaker, told: SigningWanted, received: datetime) -> Reply:
    policy = desk.config.signing
    if policy is None:
        return Reply(desk.now(), accepted=False, reason="this hub signs no certificates")
    hearing = desk.hearing(speaker, received)
    reason = await desk.ledger.write(lambda db: signing.wanted(db, told, policy, hearing))
    return Reply(desk.now(), accepted=reason is None, reason=reason or "")


async def _needs(desk: Reception, speaker: Speaker, told: NeedsTold, received: datetime) -> Reply:
    hearing = desk.hearing(speaker, received)
    follows = await desk.ledger.write(lambda db: needs.needed(db, told, hearing))
    return Reply(desk.now(), content=(told, follows), reason="no site shares its power with this car")


async def _plan(desk: Reception, speaker: Speaker, told: PlanTold, received: datetime) -> Reply:
    hearing = desk.hearing(speaker, received)
    why = await desk.ledger.write(lambda db: needs.planned(db, told, hearing))
    return Reply(desk.now(), accepted=why is None, code="ValueTooHigh", reason=why or "")


_HANDLERS: Mapping[type, Callable[..., Awaitable[Reply]]] = {
    Beat: _beat,
    Transfer: _beat,
    TokenShown: _token,
    TransactionTold: _transaction,
    ConnectorTold: _written(status.connector_told),
    Metered: _meter,
    ReservationTold: _written(reservations.told),
    Notice: _written(status.noticed),
    StreamOpened: _stream_opened,
    StreamClosed: _written(streams.closed),
    StreamTold: _written(streams.told),
    CertificateStatusAsked: _certificate_status,
    ChainStatusAsked: _chain_status,
    ContractAsked: _contract,
    VatNumberAsked: _vat_number,
    SecurityEvent: _written(events.told),
    SigningWanted: _signing_wanted,
    ReportPart: _written(reports.part_told),
    FirmwareTold: _written(firmware.told),
    LogTold: _written(logs.told),
    PublicationTold: _written(publishing.told),
    LimitTold: _written(keeping.limited),
    NeedsTold: _needs,
    PlanTold: _plan,
    ProfilesReported: _written(keeping.reported),
    EventsTold: _written(_events_told),
    MonitorsTold: _written(reported.monitors_told),
    MessagesTold: _written(reported.messages_told),
    CustomerTold: _written(reported.customer_told),
}


async def ask_verdict(desk: Reception, token: IdToken, where: Where) -> Verdict:
    """The business side's verdict, or a refusal when it has none in time: nobody charges because we failed."""
    try:
        async with asyncio.timeout(desk.config.verdict_timeout):
            return await desk.ledger.ask(lambda db: desk.hub.may_charge(token, where, db))
    except Exception as error:
        log.error("bridge.no_verdict", charger=where.charger_id, error=type(error).__name__, exc_info=error)
        return Verdict(AuthStatus.INVALID)
