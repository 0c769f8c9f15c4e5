"""What is kept of smart charging: profiles at chargers, ceilings of transactions, limits of others; sites, the
chargers that share their power, and what each may draw. Written by this room only. Currents are A per phase.
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Index, Numeric, PrimaryKeyConstraint, SmallInteger
from sqlmodel import Field, SQLModel

from bridge_ocpp.tables import JsonDocument, Moment


class ProfileRow(SQLModel, table=True):
    """A profile that a charger keeps, as it accepted or reported it. `source` is a ChargingLimitSourceEnumType.

    `transaction_id` is ours; with the end of that transaction the charger forgets the profile.
    """

    __tablename__ = "ocpp_charging_profile"
    __table_args__ = (
        PrimaryKeyConstraint("charger_key", "source", "profile_id", name="pk_ocpp_charging_profile"),
        Index("ix_ocpp_charging_profile_transaction", "transaction_id"),
    )

    charger_key: str
    source: str
    profile_id: int = Field(sa_type=BigInteger)
    charger_id: str
    evse_id: int
    purpose: str
    stack_level: int
    transaction_id: str | None = None
    document: str = Field(sa_type=JsonDocument)
    set_at: datetime = Field(sa_type=Moment)


class CeilingRow(SQLModel, table=True):
    """A limit that a partner set for a running transaction; inside a site it is sent together with the share."""

    __tablename__ = "ocpp_ceiling"
    __table_args__ = (PrimaryKeyConstraint("transaction_id", name="pk_ocpp_ceiling"),)

    transaction_id: str
    document: str = Field(sa_type=JsonDocument)
    set_at: datetime = Field(sa_type=Moment)


class LimitRow(SQLModel, table=True):
    """A limit that a charger obeys and that is not ours (2.0.1 NotifyChargingLimit), or a car's wishes and plans
    (`topic`). EVSE 0 is the charger as a whole."""

    __tablename__ = "ocpp_charging_limit"
    __table_args__ = (PrimaryKeyConstraint("charger_key", "evse_id", "topic", name="pk_ocpp_charging_limit"),)

    charger_key: str
    evse_id: int
    topic: str
    document: str = Field(sa_type=JsonDocument)
    told_at: datetime = Field(sa_type=Moment)


class SiteRow(SQLModel, table=True):
    """A place whose chargers share a limit. `document` is the site as the operator described it (see sites.py);
    until `external_until` the limit `external_a` holds, too."""

    __tablename__ = "ocpp_site"
    __table_args__ = (PrimaryKeyConstraint("key", name="pk_ocpp_site"),)

    key: str
    id: str
    document: str = Field(sa_type=JsonDocument)
    external_a: Decimal | None = Field(default=None, sa_type=Numeric)
    external_until: datetime | None = Field(default=None, sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)


class ShareRow(SQLModel, table=True):
    """What an EVSE of a site's charger may draw; EVSE 0 is what a car finds that was just plugged in, or the charger
    as a whole where it is limited as one (see shares.py). An empty `site_key`: it is to be set free.

    `asked` was asked last, and `sure`: it was confirmed. `worst` is the most that may be drawn until less is confirmed
    (None: nothing ever was). `asking_until`: an answer to question `number` may still come. `refusals` in a row lead to
    the next `way` of limiting, after the last one to `refused_at`. Until `expected_until` a row without a transaction
    keeps what a remote start gave the car that is to come. `again`: the car waits to be told its share, whether it
    changes or not; `lasts_until`: so long it was told that it has it. Until `early_until` its charger takes no profile
    for it. `since`: from then on the car waits or is served. `drawing` was measured last. `idle_phases` are those that
    its car does not load, `seen_idle` those that were without load since `seen_since` (bits; see phases.py).
    """

    __tablename__ = "ocpp_share"
    __table_args__ = (
        PrimaryKeyConstraint("charger_key", "evse_id", name="pk_ocpp_share"),
        Index("ix_ocpp_share_site", "site_key"),
    )

    charger_key: str
    evse_id: int
    site_key: str
    transaction_id: str | None = None
    asked: Decimal | None = Field(default=None, sa_type=Numeric)
    sure: bool = False
    worst: Decimal | None = Field(default=None, sa_type=Numeric)
    asking_until: datetime | None = Field(default=None, sa_type=Moment)
    number: int = Field(default=0, sa_type=BigInteger)
    way: int = Field(default=0, sa_type=SmallInteger)
    refusals: int = Field(default=0, sa_type=SmallInteger)
    refused_at: datetime | None = Field(default=None, sa_type=Moment)
    since: datetime | None = Field(default=None, sa_type=Moment)
    raised_at: datetime | None = Field(default=None, sa_type=Moment)
    drawing: Decimal | None = Field(default=None, sa_type=Numeric)
    drawing_at: datetime | None = Field(default=None, sa_type=Moment)
    idle_phases: int = Field(default=0, sa_type=SmallInteger)
    seen_idle: int = Field(default=0, sa_type=SmallInteger)
    seen_since: datetime | None = Field(default=None, sa_type=Moment)
    expected_until: datetime | None = Field(default=None, sa_type=Moment)
    early_until: datetime | None = Field(default=None, sa_type=Moment)
    again: bool = False
    lasts_until: datetime | None = Field(default=None, sa_type=Moment)


class WishRow(SQLModel, table=True):
    """What is wished for a running transaction: by its driver (`source` driver, over OCPI) or by its car (`car`, over
    ISO 15118). `energy_wh` is from its start; the rest is as in dialects.needs.NeedsTold."""

    __tablename__ = "ocpp_charging_wish"
    __table_args__ = (
        PrimaryKeyConstraint("transaction_id", "source", name="pk_ocpp_charging_wish"),
        Index("ix_ocpp_charging_wish_charger", "charger_key"),
    )

    transaction_id: str
    source: str
    charger_key: str
    departure_at: datetime | None = Field(default=None, sa_type=Moment)
    energy_wh: Decimal | None = Field(default=None, sa_type=Numeric)
    fast: bool = False
    maximum_a: Decimal | None = Field(default=None, sa_type=Numeric)
    maximum_w: Decimal | None = Field(default=None, sa_type=Numeric)
    minimum_a: Decimal | None = Field(default=None, sa_type=Numeric)
    minimum_w: Decimal | None = Field(default=None, sa_type=Numeric)
    phases: int | None = Field(default=None, sa_type=SmallInteger)
    dynamic: bool = False
    most_periods: int | None = None
    told_at: datetime = Field(sa_type=Moment)
