"""The tokens of local authorization lists as chargers are to know them, and what each charger has of them.

A *scope* is a CPO party whose chargers may use the tokens of the same partners, or the empty string for chargers
without a Location, at which only own cards charge.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from ocpi_hub.base.database import UtcTime


class ListedToken(SQLModel, table=True):
    """A token as it stands for one scope. `version` grows with every change; a token that is gone stays, not `listed`.

    Tokens that must always be asked about are here and not `listed`, too: chargers may remember them all the same.
    """

    __tablename__ = "local_list_token"
    __table_args__ = (Index("ix_local_list_token_version", "scope", "version"),)

    scope: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    uid: str
    type: str
    status: str
    group_id: str | None = None
    expires_at: datetime | None = Field(default=None, sa_type=UtcTime)
    master: bool = False
    listed: bool
    version: int = Field(sa_type=BigInteger)


class ListState(SQLModel, table=True):
    """What the tokens looked like when they were last compared (`fingerprint`), and the newest version of a scope."""

    __tablename__ = "local_list_state"

    scope: str = Field(primary_key=True)
    fingerprint: str
    version: int = Field(sa_type=BigInteger)


class ChargerList(SQLModel, table=True):
    """The local list of one charger.

    `version` is what the charger calls its list (None: nothing was sent yet), `scope_version` the state of the tokens
    that it holds, `entries` how many. `state`: NEW, SYNCED, TRUNCATED (not all fit), FAILED, NOT_SUPPORTED, OFF.
    `enabled` None: as the setting says. `due_at` None: nothing is to be done.
    """

    __tablename__ = "local_list"
    __table_args__ = (Index("ix_local_list_due", "due_at"),)

    charger_key: str = Field(primary_key=True, foreign_key="charger_placement.key", ondelete="CASCADE")
    enabled: bool | None = None
    state: str = "NEW"
    detail: str | None = None
    scope: str = ""
    version: int | None = None
    scope_version: int = Field(default=0, sa_type=BigInteger)
    entries: int = 0
    sent_at: datetime | None = Field(default=None, sa_type=UtcTime)
    due_at: datetime | None = Field(default=None, sa_type=UtcTime)
    leased_until: datetime | None = Field(default=None, sa_type=UtcTime)
    attempts: int = 0
