"""The three Protocols: what each side implements for the other. The database session is a type here, nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from bridge_ocpp.port.commands import Command, Outcome
from bridge_ocpp.port.events import Event
from bridge_ocpp.port.records import ChargerRecord, FrameRecord, NewCharger, TransactionFilter
from bridge_ocpp.port.words import IdToken, Sample, StateChange, Transaction, Verdict, Where

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class HubPort(Protocol):
    """What the business side implements and the bridge calls, inside the bridge's open transaction."""

    async def heard(self, event: Event, db: AsyncSession) -> None:
        """Take note of an event. All that follows from it is written to `db`; raising undoes the whole message."""

    async def heard_all(self, events: Sequence[Event], db: AsyncSession) -> None:
        """The same for events of one kind, of as many chargers that come at once. Raising undoes all of them; each is
        then told again, alone."""

    async def may_charge(self, token: IdToken, where: Where, db: AsyncSession) -> Verdict:
        """Decide about a token within the business side's own time budget; never raises for a partner's fault."""

    async def cost_of(self, transaction_id: str, db: AsyncSession) -> Decimal | None:
        """What a transaction costs as it stands, taxes included, in its currency; None where nobody is billed."""


class ChargerPort(Protocol):
    """What the bridge implements and the business side calls, from any process."""

    async def ask(self, charger_id: str, command: Command, *, within: timedelta) -> Outcome:
        """Ask the charger and wait for its answer. Never raises for the charger's fault: the Outcome says it."""


class ChargerBook(Protocol):
    """The bridge's records, for operators and for placing chargers; rows are written to the caller's transaction."""

    async def register(self, charger: NewCharger, db: AsyncSession) -> None:
        """Raises KeyError when the id exists (ids compare case-insensitively)."""

    async def remove(self, charger_id: str, db: AsyncSession) -> bool: ...

    async def set_password(self, charger_id: str, password: str, db: AsyncSession) -> bool: ...

    async def set_profile(self, charger_id: str, profile: int, db: AsyncSession) -> bool:
        """Raises ValueError where the charger has no password and the profile needs one."""

    async def chargers(self, db: AsyncSession) -> Sequence[ChargerRecord]: ...

    async def charger(self, charger_id: str, db: AsyncSession) -> ChargerRecord | None: ...

    async def transactions(self, which: TransactionFilter, db: AsyncSession) -> Sequence[Transaction]:
        """Oldest first."""

    async def transaction(
        self, transaction_id: str, db: AsyncSession
    ) -> tuple[Transaction, tuple[Sample, ...], tuple[StateChange, ...]] | None: ...

    async def frames(self, charger_id: str, db: AsyncSession, *, limit: int = 100) -> Sequence[FrameRecord]:
        """Newest first."""
