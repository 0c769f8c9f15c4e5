"""The list of parties that partners see, and how each is connected (mod_hub_client_info). It never forgets: who is gone
is SUSPENDED.

Kept in the transaction of whatever changed a platform, so its times are those of the change. The hub itself is not on
it. Telling partners of it is delivery/announcing.py.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import text
from sqlmodel import col, select

from ocpi_hub.partners.access import Seat, may_know, will_know
from ocpi_hub.partners.agreed import Agreed
from ocpi_hub.partners.tables import ListedParty
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ClientInfo, ConnectionStatus, Role

_LIST = "INSERT INTO listed_party (key, role, country_code, party_id, platform_id, status, last_updated, announced) "
_TAKE = """
ON CONFLICT (key, role) DO UPDATE SET
    country_code = excluded.country_code, party_id = excluded.party_id, platform_id = excluded.platform_id,
    status = excluded.status, last_updated = excluded.last_updated, announced = false
"""

# What a platform's parties are is what the platform is.
_PARTIES = text(f"""{_LIST}
SELECT party.key, party.role, party.country_code, party.party_id, platform.id, platform.status,
       CAST(:at AS timestamptz), false
FROM party JOIN platform ON platform.id = party.platform_id WHERE platform.id = :platform_id ORDER BY 1, 2 {_TAKE}
WHERE (listed_party.platform_id, listed_party.status) IS DISTINCT FROM (excluded.platform_id, excluded.status)""")  # noqa: S608

# Whoever has been connected is not PLANNED again, unless another connection is planned for it.
_EXPECTED = text(f"""{_LIST}
SELECT DISTINCT ON (1, 2) lower(expected.country_code || '/' || expected.party_id), expected.role,
       expected.country_code, expected.party_id, platform.id, 'PLANNED', CAST(:at AS timestamptz), false
FROM platform, jsonb_to_recordset(platform.expected) AS expected (country_code text, party_id text, role text)
WHERE platform.id = :platform_id AND platform.status <> 'SUSPENDED' ORDER BY 1, 2 {_TAKE}
WHERE listed_party.status = 'SUSPENDED' AND listed_party.platform_id IS DISTINCT FROM excluded.platform_id""")  # noqa: S608

_GONE = text("""
UPDATE listed_party SET status = 'SUSPENDED', last_updated = :at, announced = false
WHERE platform_id = :platform_id AND status <> 'SUSPENDED'
  AND NOT EXISTS (SELECT FROM party WHERE party.platform_id = listed_party.platform_id
                  AND party.key = listed_party.key AND party.role = listed_party.role)
  AND NOT (status = 'PLANNED' AND EXISTS (
      SELECT FROM platform, jsonb_to_recordset(platform.expected) AS e (country_code text, party_id text, role text)
      WHERE platform.id = listed_party.platform_id AND platform.status <> 'SUSPENDED'
        AND lower(e.country_code || '/' || e.party_id) = listed_party.key AND e.role = listed_party.role))
""")


async def refresh(db: AsyncSession, platform_id: str, *, at: datetime) -> None:
    """Bring the lines of one platform up to date with its status, its parties and those that it is expected to have.

    Its row is locked by the caller, or new, or about to go. Lines that stay as they are keep their time.
    """
    await db.flush()
    for statement in (_PARTIES, _EXPECTED, _GONE):
        await db.execute(statement, {"platform_id": platform_id, "at": at})


_HOSTED = text(f"""{_LIST}
SELECT lower(country_code || '/' || party_id), 'CPO', country_code, party_id, NULL, 'CONNECTED',
       CAST(:at AS timestamptz), false
FROM unnest(CAST(:country_codes AS text[]), CAST(:party_ids AS text[])) AS hosted (country_code, party_id)
WHERE NOT EXISTS (SELECT FROM listed_party AS listed
                  WHERE listed.key = lower(hosted.country_code || '/' || hosted.party_id)
                  AND listed.role = 'CPO' AND listed.platform_id IS NULL AND listed.status = 'CONNECTED')
ORDER BY 1 {_TAKE}""")  # noqa: S608


async def refresh_hosted(db: AsyncSession, hosted: Collection[PartyId], *, at: datetime) -> None:
    """Bring the lines of our own chargers' parties up to date: CONNECTED, and SUSPENDED when no longer ours."""
    values = {
        "country_codes": [party.country_code for party in hosted],
        "party_ids": [party.party_id for party in hosted],
        "at": at,
    }
    await db.execute(_HOSTED, values)
    gone = update(ListedParty).where(
        col(ListedParty.platform_id).is_(None),
        col(ListedParty.status) != ConnectionStatus.SUSPENDED.value,
        col(ListedParty.key).not_in([party.key for party in hosted]),
    )
    await db.execute(gone.values(status=ConnectionStatus.SUSPENDED.value, last_updated=at, announced=False))


async def everyone(db: AsyncSession) -> Sequence[ListedParty]:
    """The list, longest known first."""
    return (await db.scalars(select(ListedParty).order_by(col(ListedParty.id)))).all()


async def news(db: AsyncSession) -> Sequence[ListedParty]:
    """The lines that partners are not owed yet as they stand."""
    return (await db.scalars(select(ListedParty).where(~col(ListedParty.announced)))).all()


async def announced(db: AsyncSession, lines: Sequence[ListedParty]) -> None:
    """Partners are owed these lines now. What they are told is the state at that time, so no change is lost here."""
    ids = [line.id for line in lines]
    await db.execute(update(ListedParty).where(col(ListedParty.id).in_(ids)).values(announced=True))


async def lines(db: AsyncSession, names: Collection[tuple[str, str]]) -> Sequence[ListedParty]:
    """The lines with these (key, role)."""
    query = select(ListedParty).where(tuple_(col(ListedParty.key), col(ListedParty.role)).in_(list(names)))
    return (await db.scalars(query)).all()


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks at the list: a platform with its parties in their roles, and the agreements as they are."""

    platform_id: str
    seats: frozenset[Seat]
    agreed: Agreed

    def sees(self, line: ListedParty) -> ClientInfo | None:
        """A line as this platform sees it; None: it does not know of that party.

        Whom an agreement will allow to talk later is PLANNED. When agreements changed what is seen, the line is as new
        as that change.
        """
        if line.platform_id == self.platform_id:
            return None
        party, role = PartyId(line.country_code, line.party_id), Role(line.role)
        if may_know(self.agreed, self.seats, (party, role)):
            return self._info(line, party, ConnectionStatus(line.status))
        if will_know(self.agreed, self.seats, (party, role)):
            return self._info(line, party, ConnectionStatus.PLANNED)
        return None

    def lost(self, line: ListedParty) -> ClientInfo:
        """What a platform is told that has just lost sight of a party: a line "cannot be deleted", it is SUSPENDED."""
        return self._info(line, PartyId(line.country_code, line.party_id), ConnectionStatus.SUSPENDED)

    def _info(self, line: ListedParty, party: PartyId, status: ConnectionStatus) -> ClientInfo:
        turned = [] if self.agreed.plain else [self.agreed.turned_at(own, party) for own, _ in self.seats]
        return ClientInfo(
            country_code=line.country_code,
            party_id=line.party_id,
            role=Role(line.role),
            status=status,
            last_updated=max([line.last_updated, *(at for at in turned if at is not None)]),
        )
