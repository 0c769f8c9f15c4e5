"""Keeping a whole object, finding its audience and owing it to them as one statement that is a transaction of its own.

What publish.py does in three statements between a BEGIN and a COMMIT, for the case that a hub meets most: nothing else
belongs to the transaction, and no agreement stands between anybody. In every other case nothing has happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, CTE, BigInteger, Text, bindparam, exists, func, literal_column, select
from sqlalchemy.sql import column, text
from sqlmodel import col

from ocpi_hub.base.database import Quick
from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery.audience import candidates
from ocpi_hub.delivery.outbox import AGAIN, INTO, urgency_of
from ocpi_hub.delivery.paths import path_to
from ocpi_hub.objects import statements
from ocpi_hub.objects.kinds import Kind
from ocpi_hub.partners import agreements
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.tables import Party
from ocpi_hub.wire.headers import PartyId

_OWE = f"""{INTO}
SELECT DISTINCT ON (told.platform_id, told.party) told.platform_id, told.party || ':' || CAST(:lane AS text),
       CAST(:kind AS text), CAST(:owner_key AS text), CAST(:key AS text), 'PUT', CAST(:path AS text), NULL, NULL,
       CAST(:from_party AS text), told.country_code || '/' || told.party_id, CAST(:correlation_id AS text),
       CAST(:urgency AS int), 1, 0, CAST(:received_at AS timestamptz), CAST(:received_at AS timestamptz), NULL
FROM told ORDER BY told.platform_id, told.party {AGAIN} RETURNING platform_id"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Kept:
    """What the statement did: the digest of the content that was replaced, and the platforms that are owed the new."""

    replaced: str | None
    platforms: Sequence[str]


async def plain_version(resources: Resources, kind: Kind) -> int | None:
    """The version of the agreements at which keep() may be tried; None where a PUT is not a matter of one statement:
    agreements must be asked, or the kind never changes."""
    agreed = (await resources.one(Directory).now()).agreed
    return agreed.version if agreed.plain and not kind.immutable else None


async def keep(
    resources: Resources, kind: Kind, row: Mapping[str, Any], *, owner: PartyId, version: int, correlation_id: str
) -> Kept | None:
    """Keep this row of writing.py and owe it. It has committed when this returns.

    None, and nothing has happened, where the agreements are at another version by now.
    """
    values = {
        **row,
        "agreements": version,
        "source": row["platform_id"],
        "reader": row["reader_key"],
        "lane": f"{kind.module}/{owner.key}/{row['key']}".lower(),
        "kind": kind.module.value,
        "path": path_to(kind, owner, row["object_id"], key=row["key"]),
        "from_party": str(owner) if kind.audience == "token_owner" else None,
        "correlation_id": correlation_id,
        "urgency": urgency_of(kind),
    }
    found = await _statement(kind).alone(resources.alone, values)
    return Kept(found[0].replaced, found[0].platforms) if found else None


@cache
def _statement(kind: Kind) -> Quick:
    """The agreements' version is held to the end: they are plain in the picture at that version, so they are when this
    commits. Platforms are locked and owed only where the content changed."""
    held = text(agreements.HELD_VERSION).columns(column("version", BigInteger)).cte("held")
    version = func.coalesce(select(func.max(held.c.version)).scalar_subquery(), 0)

    def owing(kept: CTE) -> Sequence[CTE]:
        changed = select(kept).where(kept.c.replaced.is_distinct_from(bindparam("digest", type_=Text)))
        told = candidates(kind, col(Party.key).label("party")).where(exists(changed)).cte("told")
        return told, text(_OWE).columns(column("platform_id", Text)).cte("owing")

    condition = version == bindparam("agreements", type_=BigInteger)
    platforms = literal_column("ARRAY(SELECT DISTINCT platform_id FROM owing)", ARRAY(Text)).label("platforms")
    return Quick(statements.keep_if(kind, condition, owing).add_columns(platforms))
