"""The table of the house: what a client-owned object is, said once per module as a value of Kind.

Everything that is the same for locations, tariffs, tokens, sessions and CDRs (keeping, reading, routing, telling)
is written once and asks a Kind for what differs. No I/O here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ocpi_hub.objects.patch import Child, Document, Shape
from ocpi_hub.objects.tables import Kept, KeptCdr, KeptLocation, KeptSession, KeptTariff, KeptToken
from ocpi_hub.wire.cdrs import CDR
from ocpi_hub.wire.errors import InvalidParameters, NotFound
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.locations import EVSE, Connector, Location
from ocpi_hub.wire.parties import ModuleId, Role
from ocpi_hub.wire.sessions import Session
from ocpi_hub.wire.tariffs import Tariff
from ocpi_hub.wire.tokens import Token, TokenType
from ocpi_hub.wire.types import OcpiModel

DEFAULT_TOKEN_TYPE = TokenType.RFID.value

Columns = Callable[[Any], dict[str, Any]]


def _no_columns(model: Any) -> dict[str, Any]:
    return {}


def _location_columns(model: Location) -> dict[str, Any]:
    return {
        "latitude": float(model.coordinates.latitude),
        "longitude": float(model.coordinates.longitude),
        "publish": model.publish,
    }


def _token_columns(model: Token) -> dict[str, Any]:
    return {"uid_key": model.uid.lower(), "type": str(model.type)}


def _session_columns(model: Session) -> dict[str, Any]:
    return {"status": str(model.status)}


def _cdr_columns(model: CDR) -> dict[str, Any]:
    return {"session_key": model.session_id.lower() if model.session_id else None}


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One module's client-owned object (transport_and_format, Client Owned Object Push).

    `verbs` are those of the RECEIVER interface; `owner` is the role that owns; `audience` says who may read:
    everyone of the opposite role who may talk with the owner, or only the owner of the session's token. `columns`
    gives the table's own columns from a validated model. `by_id`: the SENDER interface also gives one object by its
    id; `dated`: its lists need a `date_from`. `unknown` is the OCPI status for an object that is not there.
    """

    module: ModuleId
    model: type[OcpiModel]
    table: type[Kept]
    owner: Role
    verbs: frozenset[str]
    key_field: str = "id"
    children: tuple[Child, ...] = ()
    growing: frozenset[str] = frozenset()
    audience: Literal["opposite", "token_owner"] = "opposite"
    columns: Columns = _no_columns
    by_id: bool = False
    dated: bool = False
    unknown: int = 2001

    def __str__(self) -> str:
        return self.module.value

    @property
    def name(self) -> str:
        """What the specification calls the object: Location, CDR."""
        return self.model.__name__

    @property
    def typed(self) -> bool:
        """Whether the id alone does not name an object: a token is named by uid and type."""
        return self.key_field == "uid"

    @property
    def counted(self) -> bool:
        """Whether the totals of its lists are kept. A list that always has a `date_from` is counted when asked."""
        return not self.dated

    @property
    def immutable(self) -> bool:
        """Whether an object is never changed once it is kept (mod_cdrs, "CDRs cannot be updated")."""
        return "PUT" not in self.verbs

    @property
    def shape(self) -> Shape:
        """How a PATCH is merged into an object."""
        own = ("country_code", "party_id", self.key_field, *(("type",) if self.typed else ()))
        return Shape(own, self.children, self.growing)

    def object_key(self, what: Document | str, token_type: str | None = None) -> str:
        """The folded key of a document, or of an id with, for a token, its type (RFID if none is given)."""
        if not isinstance(what, str):
            return self.object_key(what[self.key_field], what.get("type"))
        return f"{what.lower()}/{token_type or DEFAULT_TOKEN_TYPE}" if self.typed else what.lower()

    def owner_of(self, document: Document) -> PartyId:
        """Whose object it is. Raises InvalidParameters when the document does not say so."""
        return _party_in(document, "")

    def reader_of(self, document: Document) -> PartyId | None:
        """The one party that may read it, the owner of its token; None when it is for everyone of the other role."""
        if self.audience == "opposite":
            return None
        token = document.get("cdr_token")
        return _party_in(token if isinstance(token, dict) else {}, "cdr_token.")

    def not_found(self) -> NotFound:
        """The error for an object that is not there."""
        return NotFound(f"there is no such {self.name}", status_code=self.unknown)


def _party_in(document: Document, path: str) -> PartyId:
    country_code, party_id = document.get("country_code"), document.get("party_id")
    for field, value in (("country_code", country_code), ("party_id", party_id)):
        if not isinstance(value, str):
            raise InvalidParameters(f"{path}{field}: is required")
    return PartyId(str(country_code), str(party_id))


LOCATIONS = Kind(
    module=ModuleId.LOCATIONS,
    model=Location,
    table=KeptLocation,
    owner=Role.CPO,
    verbs=frozenset({"GET", "PUT", "PATCH"}),
    children=(Child("EVSE", "evses", "uid", EVSE), Child("Connector", "connectors", "id", Connector)),
    columns=_location_columns,
    by_id=True,
    unknown=2003,
)
TARIFFS = Kind(
    module=ModuleId.TARIFFS,
    model=Tariff,
    table=KeptTariff,
    owner=Role.CPO,
    verbs=frozenset({"GET", "PUT", "DELETE"}),
)
TOKENS = Kind(
    module=ModuleId.TOKENS,
    model=Token,
    table=KeptToken,
    owner=Role.EMSP,
    verbs=frozenset({"GET", "PUT", "PATCH"}),
    key_field="uid",
    columns=_token_columns,
    unknown=2004,
)
SESSIONS = Kind(
    module=ModuleId.SESSIONS,
    model=Session,
    table=KeptSession,
    owner=Role.CPO,
    verbs=frozenset({"GET", "PUT", "PATCH"}),
    growing=frozenset({"charging_periods"}),
    audience="token_owner",
    columns=_session_columns,
    dated=True,
)
CDRS = Kind(
    module=ModuleId.CDRS,
    model=CDR,
    table=KeptCdr,
    owner=Role.CPO,
    verbs=frozenset({"GET", "POST"}),
    audience="token_owner",
    columns=_cdr_columns,
)

KINDS: dict[str, Kind] = {kind.module: kind for kind in (LOCATIONS, TARIFFS, TOKENS, SESSIONS, CDRS)}
