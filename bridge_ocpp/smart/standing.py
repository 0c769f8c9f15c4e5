"""A site's chargers as they stand, with their cars, and what can be asked of them: the words of shares.py. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto

from bridge_ocpp.port import RateUnit
from bridge_ocpp.smart.sites import Member
from bridge_ocpp.smart.tables import ShareRow
from bridge_ocpp.smart.wishes import Wanted


class Way(Enum):
    """How a charger is limited, and in which unit it is told."""

    CARS_A = (False, RateUnit.A)
    CARS_W = (False, RateUnit.W)
    WHOLE_A = (True, RateUnit.A)
    WHOLE_W = (True, RateUnit.W)

    @property
    def whole(self) -> bool:
        return self.value[0]

    @property
    def unit(self) -> RateUnit:
        return self.value[1]


WAYS = tuple(Way)


class What(Enum):
    """What is asked: the limit of a car, of one that comes, or of the charger as a whole."""

    CAR = auto()
    NEWCOMER = auto()
    WHOLE = auto()


@dataclass(frozen=True, slots=True)
class Parked:
    """A running transaction; `full`: its car takes no more. `weight` says how urgent it is (wishes.py).
    `charged_wh` is since its start."""

    transaction_id: str
    full: bool = False
    weight: Decimal = Decimal(1)
    wanted: Wanted = field(default_factory=Wanted)
    charged_wh: Decimal = Decimal(0)


@dataclass(slots=True)
class Standing:
    """A charger of a site as it stands now: `rows` by EVSE, row 0 always; `parked` by EVSE."""

    key: str
    member: Member
    rows: dict[int, ShareRow]
    evses: tuple[int, ...] = (1,)
    parked: Mapping[int, Parked] = field(default_factory=dict)
    online: bool = True

    @property
    def whole(self) -> ShareRow:
        return self.rows[0]

    @property
    def way(self) -> Way:
        return WAYS[self.whole.way]

    @property
    def obeys(self) -> bool:
        return self.online and self.whole.refused_at is None


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a charger, with what is to be restored when it says no. `first`: the first of its way."""

    charger_key: str
    evse_id: int
    what: What
    to: Decimal
    way: Way
    number: int
    before: Decimal | None
    transaction_id: str | None = None
    first: bool = False
