"""What is checked of a message to another party before it goes on: that it speaks only for its sender (row R5).

The receiver knows nothing of the sender but what the hub lets through. Modules of partners' own are not looked into.
"""

from typing import Any

from ocpi_hub.objects.kinds import KINDS, Kind
from ocpi_hub.objects.patch import require_same
from ocpi_hub.partners.ends import serves
from ocpi_hub.routing.call import Call
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import InterfaceRole, ModuleId

_CHECKED = frozenset({"country_code", "party_id", "id", "uid", "token", "response_url"})
"""What a message says of whose it is and where its answer goes."""

_LOOKED_INTO = (ModuleId.COMMANDS, ModuleId.CHARGING_PROFILES)


def require_own(call: Call) -> None:
    """Raise InvalidParameters, or NotFound, where a message is about what is not its sender's."""
    if call.target.interface is not InterfaceRole.RECEIVER:
        return
    kind = KINDS.get(call.target.module or "")
    if call.method in ("PUT", "PATCH", "POST") and (kind is not None or call.target.module in _LOOKED_INTO):
        _require_one_spelling(call.document)
    if kind is not None:
        _require_own_object(call, kind)
    elif call.target.module == ModuleId.COMMANDS and call.method == "POST":
        require_own_token(call.document, call.from_)


def _require_one_spelling(document: dict[str, Any]) -> None:
    """The bytes go on as they came, so a receiver that takes no notice of case must not read another thing out of them
    than is checked here. Raises InvalidParameters."""
    token = document.get("token")
    for name in (*document, *(token if isinstance(token, dict) else ())):
        if name not in _CHECKED and name.lower() in _CHECKED:
            raise InvalidParameters(f"{name}: must be spelled {name.lower()}")


def require_own_token(document: dict[str, Any], sender: PartyId) -> None:
    """Raise InvalidParameters for a command with another party's token (mod_commands: "SHALL only use Tokens that are
    owned by this eMSP")."""
    token = document.get("token")
    if isinstance(token, dict):
        for field, own in (("country_code", sender.country_code), ("party_id", sender.party_id)):
            if str(token.get(field, own)).lower() != own.lower():
                raise InvalidParameters(f"token: belongs to another party than {sender}, that sends the command")


def _require_own_object(call: Call, kind: Kind) -> None:
    """The owner in the URL and the one in the body are the sender, and the ids of both are the same (transport_and
    format, Errors). Another platform's objects look as if they were not there."""
    rest = call.target.rest
    if len(rest) >= 2:
        _require_sender(call, kind, rest[0], rest[1])
    if not any(serves(entry.role, kind.module, InterfaceRole.SENDER) for entry in _roles(call)):
        raise InvalidParameters(f"{call.from_} is not registered as {kind.owner.value}, it owns no {kind}")
    if call.method not in ("PUT", "PATCH", "POST"):
        return
    depth = len(rest) - 3
    names = {"country_code": call.from_.country_code, "party_id": call.from_.party_id} if depth <= 0 else {}
    fields = [kind.key_field, *(child.key_field for child in kind.children)]
    if 0 <= depth < len(fields):
        names[fields[depth]] = rest[-1]
    require_same(call.document, names)


def _require_sender(call: Call, kind: Kind, country_code: str, party_id: str) -> None:
    try:
        owner = PartyId(country_code, party_id)
    except InvalidParameters:
        raise kind.not_found() from None
    if owner == call.from_:
        return
    if call.caller is not None and call.caller.speaks_for(owner) is not None:
        raise InvalidParameters(f"OCPI-from-country-code, OCPI-from-party-id: the owner is {owner}")
    raise kind.not_found()


def _roles(call: Call) -> list[Any]:
    assert call.caller is not None
    return [entry for entry in call.caller.parties if entry.party == call.from_]
