"""The interop profile as a pure thing: what may be set, what counts, and what a wrong one is told."""

import pytest

from ocpi_hub.dialects.profile import PLAIN, Profile, PullPlan, changed, in_force, read_profile
from ocpi_hub.wire.errors import InvalidParameters

LEARNED = {"trailing_slash": {"value": "always", "at": "2026-03-01T12:00:00+00:00", "how": "a redirect"}}


def test_every_field_has_a_default_and_is_shown():
    assert read_profile({}) == PLAIN == Profile()
    assert PLAIN.document()["push_retry"] == "all"
    assert read_profile(PLAIN.document() | {"page_size": 10}).page_size == 10


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"push": "delete"}, "profile.push: must be 'put' or 'patch'"),
        ({"colour": "red"}, "profile: has no colour; it knows token_encoding, "),
        ({"numeric_strings": "yes"}, "profile.numeric_strings: must be true or false"),
        ({"page_size": 0}, "profile.page_size: must be at least 1"),
        ({"page_size": "50"}, "profile.page_size: "),
        ({"pull": {"locations": {"every": 3}}}, "profile.pull.locations.every: must be at least 60"),
        ({"pull": {"commands": {}}}, "profile.pull.commands"),
        ({"pull": {"locations": {"evry": 900}}}, "profile.pull.locations.evry"),
        ({"pull": ["locations"]}, "profile.pull: must be an object"),
        ({"hosts": ["a.example", "b/c"]}, "profile.hosts.1: "),
        ({"hosts": "a.example"}, "profile.hosts: "),
        ({"push": "x", "nulls": "y"}, "profile.nulls: "),
    ],
)
def test_a_wrong_profile_is_told_by_its_field(document, said):
    with pytest.raises(InvalidParameters) as error:
        read_profile(document)
    assert said in error.value.message


def test_a_change_names_fields_and_null_takes_one_back():
    before = {"push": "patch", "pull": {"cdrs": {"on": False}, "tokens": {"on": False}}}
    after = changed(before, {"push": None, "nulls": "explicit", "pull": {"tokens": None, "locations": {"every": 600}}})
    assert after == {"nulls": "explicit", "pull": {"cdrs": {"on": False}, "locations": {"every": 600}}}
    assert changed(after, {"pull": None}) == {"nulls": "explicit"}
    with pytest.raises(InvalidParameters):
        changed(before, {"times": "local"})


def test_set_goes_before_learned_and_learned_before_the_default():
    assert in_force({}, LEARNED).trailing_slash == "always"
    assert in_force({"trailing_slash": "never"}, LEARNED).trailing_slash == "never"
    assert in_force({}, {}).trailing_slash == "as_given"


def test_what_cannot_be_read_counts_as_not_set():
    assert in_force({"push": "delete", "nulls": "explicit", "old": 1}, {"page_size": 3}) == Profile(nulls="explicit")


@pytest.mark.parametrize(
    ("push_retry", "retried"),
    [
        ("all", {"locations", "sessions", "cdrs", "message"}),
        ("state", {"locations", "sessions", "message"}),
        ("cdr", {"cdrs", "message"}),
        ("none", set()),
    ],
)
def test_what_is_told_again(push_retry, retried):
    profile = read_profile({"push_retry": push_retry})
    assert {name for name in ("locations", "sessions", "cdrs", "message") if profile.retries(name)} == retried


def test_a_module_has_a_plan_though_none_is_set():
    profile = read_profile({"pull": {"cdrs": {"on": False, "every": 900}}})
    assert profile.plan("cdrs") == PullPlan(on=False, every=900)
    assert profile.plan("locations") == PullPlan()
