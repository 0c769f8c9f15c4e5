"""Where a call goes: the decision table of routing (R8, R9, R11), as far as it goes."""

import pytest

from ocpi_hub.routing.address import Here, Nobody, Target, There, address
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.parties import InterfaceRole
from tests.partners.picture import world

SENDER, RECEIVER = InterfaceRole.SENDER, InterfaceRole.RECEIVER


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("versions", Target("versions")),
        ("2.2.1", Target("details")),
        ("2.2.1/credentials", Target("credentials")),
        ("2.2.1/sender/locations", Target("locations", SENDER)),
        ("2.2.1/receiver/locations/NL/ABC/1", Target("locations", RECEIVER, ("NL", "ABC", "1"))),
        ("2.2.1/sender/nltnm-own/x", Target("nltnm-own", SENDER, ("x",))),
        ("2.2.1/sender/hubclientinfo", Target("hubclientinfo", SENDER)),
        ("2.2.1/sender", Target(None)),
        ("2.2.1/credentials/x", Target(None)),
        ("2.1.1/sender/locations", Target(None)),
        ("", Target(None)),
    ],
)
def test_a_path_names_a_target(path: str, expected: Target) -> None:
    assert Target.read([segment for segment in path.split("/") if segment]) == expected


@pytest.mark.parametrize(
    ("module", "interface", "invited", "routed"),
    [
        ("versions", None, True, False),
        ("details", None, True, False),
        ("credentials", None, True, False),
        ("hubclientinfo", SENDER, False, False),
        ("locations", SENDER, False, True),
        ("commands", RECEIVER, False, True),
        ("nltnm-own", SENDER, False, True),
        (None, None, False, False),
    ],
)
def test_configuration_modules_are_not_routed(
    module: str | None, interface: InterfaceRole | None, invited: bool, routed: bool
) -> None:
    target = Target(module, interface)
    assert (target.opens_to_invited, target.routed) == (invited, routed)


def call(to: str | None, *, from_: str = "NL/ABC", module: str = "locations", interface: str = "RECEIVER") -> object:
    routing = Routing(to=PartyId.parse(to) if to else None, from_=PartyId.parse(from_))
    return address(Target(module, InterfaceRole(interface)), routing, world())


@pytest.mark.parametrize("to", [None, "NL/HUB", "nl/hub"])
def test_what_names_nobody_or_the_hub_is_answered_here(to: str | None) -> None:
    assert call(to) == Here(PartyId("NL", "HUB"))


def test_a_party_of_our_own_chargers_is_here() -> None:
    assert call("nl/cpo", from_="DE/XYZ", module="commands") == Here(PartyId("NL", "CPO"))


def test_a_party_of_a_partner_is_there_on_the_platform_that_serves_the_interface() -> None:
    found = call("it/spl", module="locations", interface="RECEIVER")
    assert isinstance(found, There)
    assert str(found.party) == "IT/SPL"  # as it registered itself
    assert found.platform is not None
    assert found.platform.id == "half-emsp"
    found = call("IT/SPL", from_="DE/XYZ", module="commands", interface="RECEIVER")
    assert isinstance(found, There)
    assert found.platform is not None
    assert found.platform.id == "half-cpo"


def test_a_custom_module_is_addressed_like_any_other() -> None:
    found = call("DE/XYZ", module="nltnm-own", interface="SENDER")
    assert isinstance(found, There)
    assert found.platform is not None
    assert found.platform.id == "driving"


@pytest.mark.parametrize("to", ["XX/YYY", "BE/ABC", "DK/SCS"])
def test_unknown_and_forbidden_receivers_look_the_same(to: str) -> None:
    found = call(to)
    assert isinstance(found, Nobody)
    assert found.error.status_code == 4001
    assert found.error.message == f"the receiver {to} is not known here"
