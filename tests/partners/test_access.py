"""Who may talk with whom, and who answers for whom: tables for the opposite roles (R11, R12)."""

import pytest

from ocpi_hub.partners.access import may_ask, may_talk
from ocpi_hub.partners.ends import serves
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import InterfaceRole, Role
from tests.partners.picture import world

EVERYBODY = ("NL/ABC", "BE/ABC", "DE/XYZ", "FR/TWO", "IT/SPL", "SE/MAP", "SE/NAP", "DK/SCS", "NO/OTH", "GB/HB2")


@pytest.mark.parametrize(
    ("module", "owner", "expected"),
    [
        ("locations", "NL/ABC", {"DE/XYZ", "FR/TWO", "IT/SPL", "SE/MAP", "SE/NAP", "NO/OTH"}),
        ("tariffs", "NL/ABC", {"DE/XYZ", "FR/TWO", "IT/SPL", "SE/MAP", "SE/NAP", "NO/OTH"}),
        ("sessions", "NL/ABC", {"DE/XYZ", "FR/TWO", "IT/SPL", "DK/SCS", "NO/OTH"}),
        ("cdrs", "NL/ABC", {"DE/XYZ", "FR/TWO", "IT/SPL", "NO/OTH"}),
        ("tokens", "DE/XYZ", {"NL/ABC", "BE/ABC", "FR/TWO", "IT/SPL"}),
        ("tokens", "NO/OTH", {"NL/ABC", "BE/ABC", "FR/TWO", "IT/SPL"}),
        ("locations", "NL/CPO", {"DE/XYZ", "FR/TWO", "IT/SPL", "SE/MAP", "SE/NAP", "NO/OTH"}),
        ("locations", "XX/XXX", set()),
        ("locations", "GB/HB2", set()),
    ],
)
def test_with_whom_a_party_shares_a_module(module: str, owner: str, expected: set[str]) -> None:
    found = {other for other in EVERYBODY if may_talk(world(), PartyId.parse(owner), PartyId.parse(other), module)}
    assert found == expected


@pytest.mark.parametrize(
    ("a", "b", "module", "may"),
    [
        ("NL/ABC", "DE/XYZ", "locations", True),
        ("DE/XYZ", "NL/ABC", "locations", True),
        ("de/xyz", "nl/abc", "commands", True),
        ("DE/XYZ", "NL/CPO", "commands", True),
        ("DK/SCS", "NL/ABC", "chargingprofiles", True),
        ("DK/SCS", "NL/ABC", "commands", False),
        ("NL/ABC", "BE/ABC", "locations", False),
        ("DE/XYZ", "NO/OTH", "tokens", False),
        ("NL/ABC", "XX/XXX", "locations", False),
        ("NL/ABC", "DE/XYZ", "nltnm-own", True),
        ("NL/ABC", "XX/XXX", "nltnm-own", False),
    ],
)
def test_who_may_talk(a: str, b: str, module: str, may: bool) -> None:
    assert may_talk(world(), PartyId.parse(a), PartyId.parse(b), module) is may


@pytest.mark.parametrize(
    ("caller", "callee", "module", "interface", "may"),
    [
        ("DE/XYZ", "NL/ABC", "locations", "SENDER", True),
        ("NL/ABC", "DE/XYZ", "locations", "RECEIVER", True),
        ("NL/ABC", "DE/XYZ", "locations", "SENDER", False),
        ("DE/XYZ", "NL/ABC", "locations", "RECEIVER", False),
        ("NL/ABC", "FR/TWO", "locations", "SENDER", False),  # FR/TWO reads as an eMSP, and owns as a CPO
        ("FR/TWO", "NL/ABC", "locations", "SENDER", True),
        ("NL/ABC", "FR/TWO", "locations", "RECEIVER", True),
        ("DE/XYZ", "FR/TWO", "tokens", "SENDER", False),
        ("NL/ABC", "FR/TWO", "tokens", "SENDER", True),
        ("DE/XYZ", "NL/ABC", "commands", "RECEIVER", True),
        ("NL/ABC", "DE/XYZ", "commands", "RECEIVER", False),
        ("NL/ABC", "DE/XYZ", "commands", "SENDER", True),
        ("NL/ABC", "XX/XXX", "locations", "RECEIVER", False),
        ("NL/ABC", "DE/XYZ", "nltnm-own", "SENDER", True),
    ],
)
def test_who_may_call_which_end_of_whom(caller: str, callee: str, module: str, interface: str, may: bool) -> None:
    """A party with both roles is not both ends for everybody: no CPO reads it, and no eMSP sees its tokens."""
    found = may_ask(world(), PartyId.parse(caller), PartyId.parse(callee), module, InterfaceRole(interface))
    assert found is may


@pytest.mark.parametrize(
    ("role", "module", "interface", "does"),
    [
        ("CPO", "locations", "SENDER", True),
        ("CPO", "locations", "RECEIVER", False),
        ("EMSP", "locations", "RECEIVER", True),
        ("EMSP", "commands", "SENDER", True),
        ("CPO", "commands", "RECEIVER", True),
        ("NSP", "tokens", "SENDER", False),
        ("HUB", "locations", "SENDER", False),
        ("HUB", "nltnm-own", "SENDER", True),
    ],
)
def test_which_role_serves_an_interface(role: str, module: str, interface: str, does: bool) -> None:
    assert serves(Role(role), module, InterfaceRole(interface)) is does


@pytest.mark.parametrize(
    ("party", "module", "interface", "platform"),
    [
        ("nl/abc", "locations", "SENDER", "charging"),
        ("IT/SPL", "locations", "SENDER", "half-cpo"),
        ("IT/SPL", "locations", "RECEIVER", "half-emsp"),
        ("IT/SPL", "commands", "RECEIVER", "half-cpo"),
        ("IT/SPL", "tokens", "SENDER", "half-emsp"),
        ("IT/SPL", "nltnm-own", "SENDER", None),
        ("DE/XYZ", "locations", "SENDER", "driving"),
        ("XX/XXX", "locations", "SENDER", None),
    ],
)
def test_the_role_decides_the_platform(party: str, module: str, interface: str, platform: str | None) -> None:
    found = world().platform_of(PartyId.parse(party), module, InterfaceRole(interface))
    assert (found.id if found else None) == platform


def test_an_endpoint_to_be_followed_by_a_path_has_no_slash_at_its_end() -> None:
    snapshot = world()
    place = ("driving", "locations", InterfaceRole.RECEIVER)
    assert snapshot.endpoint(*place) == "https://partner.example/locations"
    assert snapshot.endpoint_itself(*place) == "https://partner.example/locations/"
    assert snapshot.endpoint("driving", "tariffs", InterfaceRole.RECEIVER) is None
