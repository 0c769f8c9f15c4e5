"""What agreements say about a pair: who decides, from when until when, and what is planned. Pure tables."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from ocpi_hub.partners.agreed import ANYONE, Agreed, Term, pair_of
from ocpi_hub.wire.headers import PartyId

CPO, EMSP, THIRD = PartyId("NL", "ABC"), PartyId("DE", "XYZ"), PartyId("FR", "EM2")


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


def term(
    a: str = "nl/abc",
    b: str = "de/xyz",
    *,
    modules: Iterable[str] | None = None,
    allowed: bool = True,
    days: tuple[int | None, int | None] = (None, None),
    name: str = "one",
) -> Term:
    begin, end = (day(number) if number else None for number in days)
    return Term(name, pair_of(a, b), frozenset(modules) if modules else None, allowed, begin, end, day(1))


def agreed(*terms: Term, opened: bool = False, today: int = 10) -> Agreed:
    return Agreed(terms, opened=opened, at=day(today))


@pytest.mark.parametrize("opened", [True, False])
def test_without_an_agreement_the_mode_decides(opened: bool) -> None:
    assert agreed(opened=opened).allows(CPO, EMSP, "locations") is opened
    assert agreed(term("nl/abc", "fr/em2"), opened=opened).allows(CPO, EMSP, "locations") is opened


@pytest.mark.parametrize("opened", [True, False])
def test_an_agreement_has_no_direction_and_no_case(opened: bool) -> None:
    found = agreed(term(modules=["locations"]), opened=opened)
    assert found.allows(CPO, EMSP, "locations")
    assert found.allows(EMSP, CPO, "locations")
    assert found.allows(PartyId("de", "xyz"), PartyId("nl", "abc"), "locations")


@pytest.mark.parametrize("opened", [True, False])
def test_an_agreement_that_allows_lists_all_that_is_allowed(opened: bool) -> None:
    found = agreed(term(modules=["locations", "tariffs"]), opened=opened)
    assert found.allows(CPO, EMSP, "tariffs")
    assert not found.allows(CPO, EMSP, "cdrs")
    assert not found.allows(CPO, EMSP, "nltnm-own")
    assert agreed(term(), opened=opened).allows(CPO, EMSP, "nltnm-own")


def test_an_agreement_that_forbids_leaves_the_rest_as_it_is() -> None:
    forbids = term(modules=["cdrs"], allowed=False)
    assert agreed(forbids, opened=True).allows(CPO, EMSP, "locations")
    assert not agreed(forbids, opened=True).allows(CPO, EMSP, "cdrs")
    assert not agreed(forbids, opened=False).allows(CPO, EMSP, "locations")
    assert not agreed(term(allowed=False), opened=True).allows(CPO, EMSP, "locations")


def test_of_two_of_one_rank_the_one_that_forbids_wins() -> None:
    found = agreed(term(), term(modules=["commands"], allowed=False, name="two"))
    assert found.allows(CPO, EMSP, "locations")
    assert not found.allows(CPO, EMSP, "commands")


def test_two_that_allow_add_up() -> None:
    found = agreed(term(modules=["locations"]), term(modules=["cdrs"], name="two"))
    assert [m for m in ("locations", "cdrs", "tokens") if found.allows(CPO, EMSP, m)] == ["locations", "cdrs"]


@pytest.mark.parametrize("opened", [True, False])
def test_the_one_that_names_the_pair_most_closely_decides(opened: bool) -> None:
    both = term(modules=["locations"])
    one = term("nl/abc", ANYONE, allowed=False)
    anyone = term(ANYONE, ANYONE)
    found = agreed(both, one, anyone, opened=opened)
    assert found.allows(CPO, EMSP, "locations")  # both are named
    assert not found.allows(CPO, EMSP, "cdrs")
    assert not found.allows(CPO, THIRD, "locations")  # one of them
    assert found.allows(EMSP, THIRD, "locations")  # nobody


def test_one_that_forbids_a_module_leaves_the_others_to_the_next_rank() -> None:
    found = agreed(term(modules=["cdrs"], allowed=False), term("nl/abc", ANYONE, modules=["locations", "cdrs"]))
    assert found.allows(CPO, EMSP, "locations")
    assert not found.allows(CPO, EMSP, "cdrs")
    assert found.allows(CPO, THIRD, "cdrs")
    assert not found.allows(CPO, EMSP, "tokens")


@pytest.mark.parametrize(("today", "may"), [(4, False), (5, True), (9, True), (10, False)])
def test_it_holds_from_its_first_moment_on_and_before_its_last(today: int, may: bool) -> None:
    assert agreed(term(days=(5, 10)), today=today).allows(CPO, EMSP, "locations") is may


def test_one_that_has_ended_is_as_if_it_were_not_there() -> None:
    assert agreed(term(allowed=False, days=(None, 10)), opened=True).allows(CPO, EMSP, "locations")
    assert agreed(term(modules=["locations"], days=(None, 10)), opened=True).allows(CPO, EMSP, "cdrs")


def test_a_party_needs_no_agreement_with_itself() -> None:
    assert agreed().allows(CPO, PartyId("nl", "abc"), "locations")


def test_what_is_planned() -> None:
    later = agreed(term(modules=["locations"], days=(20, None)))
    assert not later.allows(CPO, EMSP, "locations")
    assert later.plans(CPO, EMSP, "locations")
    assert not later.plans(CPO, EMSP, "cdrs")
    assert not later.plans(CPO, THIRD, "locations")
    assert not agreed(term(days=(5, 8))).plans(CPO, EMSP, "locations")
    forbidden = term(allowed=False, name="two")
    assert not agreed(term(days=(20, None)), forbidden).plans(CPO, EMSP, "locations")


def test_when_the_next_one_turns_and_when_a_pair_turned_last() -> None:
    found = agreed(term(days=(5, 20)), term("fr/em2", "nl/abc", days=(12, None), name="two"))
    assert found.next_turn() == day(12)
    assert found.turned_at(EMSP, CPO) == day(5)
    assert found.turned_at(EMSP, THIRD) is None
    assert agreed(term(days=(5, 20)), today=20).turned_at(EMSP, CPO) == day(20)
    assert agreed(term()).next_turn() is None


def test_what_is_different_between_two_moments() -> None:
    kept, turns, gone, came = term(), term(days=(10, None), name="2"), term(name="3"), term(name="4")
    before, after = agreed(kept, turns, gone, today=9), agreed(kept, turns, came, today=10)
    assert {one.id for one in after.changed_since(before)} == {"2", "3", "4"}
