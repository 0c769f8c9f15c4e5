"""Who comes: looked up, seated and booted, each together with whoever comes meanwhile.

A storm of chargers is then some dozens of commits and not thousands. Nothing is answered before its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.clock import EARLIEST
from bridge_ocpp.config import BridgeConfig
from bridge_ocpp.devices import booting
from bridge_ocpp.dialects.words import Boot
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.ledger import LEFT, Ledger, Left, Sharing
from bridge_ocpp.port import ChargerBooted, ChargerOnline, HubPort
from bridge_ocpp.security import credentials
from bridge_ocpp.security.admission import Entry, Known
from bridge_ocpp.smart import looking
from bridge_ocpp.speaker import ACCEPTED, REJECTED
from bridge_ocpp.tables import ChargerRow, any_of
from bridge_ocpp.upkeep import firmware

AT_ONCE = 32
"""Chargers that come in one transaction at most: all of them go on at once when it is committed, and meanwhile nobody
else is heard."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A charger whose newest socket is ours now. `previous` held the one before (None: nobody did)."""

    id: str
    generation: int
    boot_answer: str | None
    quirks: tuple[str, ...]
    behind_since: datetime | None
    previous: UUID | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A charger that was let in: by which version, to which bridge process, and when."""

    entry: Entry
    protocol: str
    process_id: UUID
    at: datetime


async def claim(
    db: AsyncSession, hub: HubPort, claims: Sequence[Claim], *, spread: float, wait: bool
) -> list[Claimed | Left | None]:
    """The newest authenticated socket wins. None when the charger was removed meanwhile, or must come more safely.

    Without `wait`, a charger whose row somebody else is writing is LEFT, so that the others need not wait for it.
    """
    rows, left = await locked(db, [each.entry.charger_key for each in claims], wait=wait)
    came = [(each, rows.get(each.entry.charger_key)) for each in claims]
    seated = [(each, row) for each, row in came if row is not None and row.security_profile <= each.entry.profile]
    if not seated:
        return [LEFT if each.entry.charger_key in left else None for each in claims]
    found: dict[str, Claimed | Left | None] = dict.fromkeys(left, LEFT)
    events = []
    for each, row in seated:
        if not row.online:
            events.append(ChargerOnline(row.id, each.at, online=True))
        found[row.key] = _seat(row, each)
    if events:
        await hub.heard_all(events, db)
    now = max(each.at for each in claims)
    await booting.returned(db, *(row.key for _, row in seated), now=now, spread=spread)
    return [found.get(each.entry.charger_key) for each in claims]


def _seat(row: ChargerRow, each: Claim) -> Claimed:
    credentials.entered(row, each.entry)
    previous = row.process_id if row.online else None
    row.behind_since = row.behind_since or row.last_seen_at or EARLIEST
    row.online, row.generation, row.process_id = True, row.generation + 1, each.process_id
    row.connected_at, row.last_seen_at, row.protocol = each.at, each.at, each.protocol
    return Claimed(row.id, row.generation, row.boot_answer, tuple(row.quirks), row.behind_since, previous)


async def locked(
    db: AsyncSession, charger_keys: Sequence[str], *, wait: bool
) -> tuple[dict[str, ChargerRow], set[str]]:
    """The rows of these chargers, locked in one order; and the keys of those that somebody else is writing."""
    query = select(ChargerRow).where(col(ChargerRow.key) == any_of(charger_keys)).order_by(col(ChargerRow.key))
    rows = {row.key: row for row in await db.scalars(query.with_for_update(skip_locked=not wait))}
    missing = [key for key in charger_keys if key not in rows]
    if wait or not missing:
        return rows, set()
    return rows, set(await db.scalars(select(col(ChargerRow.key)).where(col(ChargerRow.key) == any_of(missing))))


@dataclass(frozen=True, slots=True)
class BootTold:
    """A boot, by which version, and who tells it when."""

    told: Boot
    protocol: str
    hearing: Hearing


async def booted(
    db: AsyncSession, hub: HubPort, boots: Sequence[BootTold], *, spread: float | None, wait: bool
) -> list[str | Left]:
    """Chargers have started, or say again what they are. What each is answered: the operator's word of this moment.

    `spread` (seconds) is over how long those that are accepted are asked what they are made of; None: not at all.
    Without `wait`, one whose row somebody else is writing is LEFT.
    """
    rows, left = await locked(db, [boot.hearing.speaker.key for boot in boots], wait=wait)
    there = [(boot, row) for boot in boots if (row := rows.get(boot.hearing.speaker.key)) is not None]
    for boot, row in there:
        told = boot.told
        row.vendor, row.model, row.serial_number = told.vendor, told.model, told.serial_number
        row.firmware_version, row.boot_reason = told.firmware_version, told.reason
        row.booted_at, row.boot_answer = boot.hearing.received, row.boot_status
    updating = await firmware.updating(db, rows)
    for boot, row in there:
        if row.key in updating:
            await firmware.booted(db, row.key, row.firmware_version, now=boot.hearing.received)
    accepted = [(boot, row) for boot, row in there if row.boot_status == ACCEPTED]
    if accepted:
        await hub.heard_all([_booted_event(boot) for boot, _ in accepted], db)
        if spread is not None:
            now = max(boot.hearing.received for boot, _ in accepted)
            await booting.provision(db, *(row.key for _, row in accepted), now=now, spread=spread)
    # One that was removed while it spoke is rejected; its socket is closed with the next beat.
    answers: dict[str, str | Left] = {**dict.fromkeys(left, LEFT), **{row.key: row.boot_status for _, row in there}}
    return [answers.get(boot.hearing.speaker.key, REJECTED) for boot in boots]


def _booted_event(boot: BootTold) -> ChargerBooted:
    told, hearing = boot.told, boot.hearing
    return ChargerBooted(
        hearing.speaker.id,
        hearing.received,
        vendor=told.vendor,
        model=told.model,
        protocol=boot.protocol,
        serial_number=told.serial_number,
        firmware_version=told.firmware_version,
        reason=told.reason,
    )


class Arrivals:
    """The three steps of a charger that comes. `sharing` are the chargers whose sites share their power."""

    def __init__(self, config: BridgeConfig, ledger: Ledger, hub: HubPort, sharing: set[str]) -> None:
        self._config = config
        self._hub = hub
        self._sharing = sharing
        self._asked: Sharing[credentials.Asked, Known | None] = Sharing(
            ledger, credentials.known, key=id, at_once=AT_ONCE
        )
        self._claims: Sharing[Claim, Claimed | None] = Sharing(
            ledger,
            partial(self._claim, wait=False),
            alone=partial(self._claim, wait=True),
            key=lambda each: each.entry.charger_key,
            at_once=AT_ONCE,
        )
        self._boots: Sharing[BootTold, str] = Sharing(
            ledger,
            partial(self._booted, wait=False),
            alone=partial(self._booted, wait=True),
            key=lambda boot: boot.hearing.speaker.key,
            at_once=AT_ONCE,
        )

    async def known(self, asked: credentials.Asked) -> Known | None:
        """What the gate needs to know of a charger that knocks."""
        return await self._asked.write(asked)

    async def claim(self, each: Claim) -> Claimed | None:
        """The seat of a charger that was let in."""
        return await self._claims.write(each)

    async def booted(self, boot: BootTold) -> str:
        """What a boot is answered."""
        return await self._boots.write(boot)

    async def _claim(self, db: AsyncSession, claims: list[Claim], *, wait: bool) -> list[Claimed | Left | None]:
        return await claim(db, self._hub, claims, spread=self._config.errand_spread, wait=wait)

    async def _booted(self, db: AsyncSession, boots: list[BootTold], *, wait: bool) -> list[str | Left]:
        spread = self._config.errand_spread if self._config.provisioning else None
        answers = await booted(db, self._hub, boots, spread=spread, wait=wait)
        for boot, answer in zip(boots, answers, strict=True):
            if answer is not LEFT and boot.hearing.speaker.key in self._sharing:
                await looking.booted(db, boot.hearing.speaker.key)
        return answers
