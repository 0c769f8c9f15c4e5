"""Which origins are a partner's own, as a pure thing."""

import pytest

from ocpi_hub.partners.origins import Origins, host_of

HOME = (
    "https://Partner.example/ocpi/versions",
    "https://api.partner.example:8443/cpo/locations",
    None,
    "no URL",
    "//x",
)


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://partner.example/anything?a=1", True),
        ("https://PARTNER.example:443/x", True),
        ("HTTPS://partner.EXAMPLE", True),
        ("https://api.partner.example:8443/x", True),
        ("https://api.partner.example/x", False),
        ("http://partner.example/x", False),
        ("http://partner.example:443/x", False),
        ("https://partner.example:8443/x", False),
        ("https://partner.example.evil.example/x", False),
        ("https://evilpartner.example/x", False),
        ("https://evil.example/partner.example", False),
        ("https://evil.example?@partner.example", False),
        ("https://evil.example#@partner.example", False),
        ("https://partner.example:x/", False),
        ("https://partner.example\u3002evil.example/", False),
        ("https://[partner.example/", False),
        ("ftp://partner.example/x", False),
        ("/x", False),
        ("", False),
    ],
)
def test_what_a_partner_named_is_its_own_by_scheme_host_and_port(url: str, own: bool) -> None:
    assert Origins.of(HOME).has(url) is own


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://callbacks.example/x", True),
        ("http://callbacks.example/x", True),  # whether it may be called in the clear is the guard's to say
        ("https://callbacks.example:444/x", False),
        ("https://lab.example:9000/x", True),
        ("https://lab.example/x", False),
        ("https://a.cloud.example/x", True),
        ("https://a.b.CLOUD.example/x", True),
        ("https://cloud.example/x", False),
        ("https://evilcloud.example/x", False),
        ("https://evil.example/x", False),
    ],
)
def test_the_operator_adds_hosts(url: str, own: bool) -> None:
    hosts = ("Callbacks.example", "lab.example:9000", "*.cloud.example")
    assert Origins.of(HOME, hosts).has(url) is own


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://partner.example/x", None),
        ("https://evil.example:81/x", "evil.example:81 is none of your own hosts"),
        ("https://user:secret@partner.example/x", "the URL contains user information"),
        ("https://10.0.0.1/x", "the host's address is not one that partners may live at"),
    ],
)
def test_why_a_url_cannot_be_used(url: str, problem: str | None) -> None:
    said = Origins.of(HOME).problem((), url)
    assert said is None if problem is None else said is not None and said.startswith(problem)


def test_a_host_is_shown_so_that_it_can_be_read() -> None:
    assert host_of("https://A.example:81/x") == "a.example:81"
    assert host_of("https://a\x00\x1bb.example/") == "ab.example"
    assert host_of("https://" + "a" * 300) == "a" * 100
    for odd in ("", "x", "https://[", "https://x:y"):
        assert host_of(odd) == "no host"
