"""A picture of who is connected, for tests of pure functions: who speaks where is a table to be read."""

from datetime import UTC, datetime

from ocpi_hub.dialects.profile import PLAIN
from ocpi_hub.partners.snapshot import PartyEntry, PlatformEntry, Snapshot
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ConnectionStatus, Role

AT = datetime(2026, 3, 1, tzinfo=UTC)


def platform(platform_id: str, *, status: ConnectionStatus = ConnectionStatus.CONNECTED) -> PlatformEntry:
    return PlatformEntry(
        id=platform_id,
        name=platform_id,
        status=status,
        version="2.2.1",
        versions_url="https://partner.example/versions",
        their_credentials_token="sealed",
        token_encoding="base64",
        profile=PLAIN,
        registered_at=AT,
        last_seen_at=AT,
    )


def party(platform_id: str, role: str, party_id: str) -> PartyEntry:
    return PartyEntry(platform_id, PartyId.parse(party_id), Role(role), {"name": party_id}, AT)


# platform: role party, role party …
WORLD = {
    "charging": ["CPO NL/ABC", "CPO BE/ABC"],
    "driving": ["EMSP DE/XYZ"],
    "both": ["CPO FR/TWO", "EMSP FR/TWO"],
    "half-cpo": ["CPO IT/SPL"],
    "half-emsp": ["EMSP IT/SPL"],
    "maps": ["NSP SE/MAP", "NAP SE/NAP"],
    "smart": ["SCSP DK/SCS"],
    "other": ["OTHER NO/OTH"],
    "hub": ["HUB GB/HB2"],
}


def world() -> Snapshot:
    parties = [party(name, *line.split()) for name, lines in WORLD.items() for line in lines]
    endpoints = {("driving", "locations", "RECEIVER"): "https://partner.example/locations/"}
    return Snapshot(
        hub=PartyId("NL", "HUB"),
        hosted=[PartyId("NL", "CPO")],
        platforms=[platform(name) for name in WORLD],
        parties=parties,
        endpoints=endpoints,
    )
