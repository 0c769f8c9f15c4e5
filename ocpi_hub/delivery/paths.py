"""Where an object is told: what follows a RECEIVER endpoint. Pure."""

from urllib.parse import quote

from ocpi_hub.objects.kinds import Kind
from ocpi_hub.wire.headers import PartyId


def path_to(kind: Kind, owner: PartyId, object_id: str, *, key: str) -> str:
    """The ids as they came (mod_locations, "PUT Method"); nothing for a POST. `key` is the object's folded key."""
    if kind.immutable:
        return ""
    ids = (owner.country_code, owner.party_id, object_id)
    path = "/".join(quote(part, safe="*:@") for part in ids)
    if kind.typed:
        path += "?type=" + quote(key.rpartition("/")[2], safe="")
    return path
