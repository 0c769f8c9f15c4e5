"""The kept objects: a partner's document as it came, beside the few columns that are searched by.

Written only by objects/writing.py, which only delivery/publish.py calls.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, PrimaryKeyConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from ocpi_hub.base.database import JsonText, UtcTime


class Kept(SQLModel):
    """What every kept object has. Ids stand twice: as they came, and folded to lower case for comparing.

    `pk` is the order of arrival, which is the order of every list (transport_and_format, "Paginated response").
    `owner_key` is `cc/pid` in lower case; `key` is the object's id in lower case (a token's is `uid/TYPE`).
    `reader_key` is the only party that may read it (`cc/pid` in lower case); None is everyone who may talk
    with the owner. `digest` is of the content without its timestamps: equal digests mean nothing really changed.
    `replaced` is the digest that the last write found; None: that write made the object.
    """

    pk: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), primary_key=True)
    country_code: str
    party_id: str
    object_id: str
    owner_key: str
    key: str
    document: str = Field(sa_type=JsonText)
    digest: str
    replaced: str | None = None
    last_updated: datetime = Field(sa_type=UtcTime)
    received_at: datetime = Field(sa_type=UtcTime)
    platform_id: str | None = Field(default=None, description="Whose platform brought it; None: our own chargers")
    reader_key: str | None = None


def _constraints(table: str) -> tuple[PrimaryKeyConstraint | UniqueConstraint | Index, ...]:
    # The key comes first: an object is also looked up by its id alone, of whatever owner. A list is walked and
    # counted inside of an index, so each has what the lists are filtered by.
    filtered = ["owner_key", "reader_key"]
    return (
        PrimaryKeyConstraint("pk", postgresql_include=[*filtered, "last_updated"]),
        UniqueConstraint("key", "owner_key"),
        Index(f"ix_{table}_owner", "owner_key", "pk"),
        Index(f"ix_{table}_last_updated", "last_updated", "pk", postgresql_include=filtered),
    )


class KeptLocation(Kept, table=True):
    """A Location with its EVSEs and connectors; degrees for searching near a point."""

    __tablename__ = "location"
    __table_args__ = _constraints("location")
    latitude: float | None = None
    longitude: float | None = None
    publish: bool = True


class KeptTariff(Kept, table=True):
    __tablename__ = "tariff"
    __table_args__ = _constraints("tariff")


class KeptToken(Kept, table=True):
    """A driver's token; its identity is uid and type together (mod_tokens, Token object)."""

    __tablename__ = "token"
    __table_args__ = (*_constraints("token"), Index("ix_token_uid", "uid_key", "type"))
    uid_key: str
    type: str


class KeptSession(Kept, table=True):
    """A charging session; `reader_key` is the owner of its token."""

    __tablename__ = "session"
    __table_args__ = (
        *_constraints("session"),
        Index("ix_session_reader", "reader_key", "pk"),
        Index("ix_session_status", "status"),
    )
    status: str


class KeptCdr(Kept, table=True):
    """A CDR, never changed once it is kept; `reader_key` is the owner of its token."""

    __tablename__ = "cdr"
    __table_args__ = (
        *_constraints("cdr"),
        Index("ix_cdr_reader", "reader_key", "pk"),
        Index("ix_cdr_session", "session_key"),
    )
    session_key: str | None = None


class KeptCount(SQLModel, table=True):
    """How many objects are kept, so that a list of a hundred thousand has its total at once.

    The total of one owner (and, for CDRs, one reader; else the empty string) is the sum over its slots. A writer
    adds to the slot of its own connection, so that writers of new objects seldom wait for each other; one slot
    alone may be negative.
    """

    __tablename__ = "kept_count"

    module: str = Field(primary_key=True)
    owner_key: str = Field(primary_key=True)
    reader_key: str = Field(primary_key=True)
    slot: int = Field(primary_key=True)
    n: int = Field(sa_type=BigInteger)
