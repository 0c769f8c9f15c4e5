"""PATCH as documents in and documents out."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from ocpi_hub.objects.kinds import LOCATIONS, SESSIONS, TOKENS
from ocpi_hub.objects.patch import change_child, find_child, merge
from ocpi_hub.wire.errors import InvalidParameters, NotFound
from tests.world.objects import charging_period, connector, evse, location, session, token

LATER = "2026-03-01T12:00:00Z"


def two_evses() -> dict[str, Any]:
    return location(
        evses=[
            evse("A", connectors=[connector("1"), connector("2")]),
            evse("B"),
        ]
    )


def patched(document: dict[str, Any], changes: dict[str, Any], kind: Any = LOCATIONS) -> dict[str, Any]:
    """The merged document; neither of the two that are given may be changed by it."""
    before = deepcopy((document, changes))
    result = merge(document, changes, kind.shape)
    assert (document, changes) == before
    return result


def test_only_the_given_fields_change() -> None:
    result = patched(two_evses(), {"name": "Interparking Gent Zuid", "last_updated": LATER})
    assert result == two_evses() | {"name": "Interparking Gent Zuid", "last_updated": LATER}


def test_unknown_fields_are_kept_and_may_be_patched() -> None:
    result = patched(location(x_vendor={"a": 1}), {"x_other": [1], "last_updated": LATER})
    assert (result["x_vendor"], result["x_other"]) == ({"a": 1}, [1])


@pytest.mark.parametrize("changes", [{"name": "New"}, {"name": "New", "last_updated": None}, {}])
def test_last_updated_is_required(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameters, match="last_updated"):
        merge(location(), changes, LOCATIONS.shape)


def test_null_takes_a_field_away() -> None:
    assert "name" not in patched(location(name="Old"), {"name": None, "last_updated": LATER})


def test_an_inner_object_is_replaced_whole() -> None:
    before = session(total_cost={"excl_vat": 1, "incl_vat": Decimal("1.21")})
    result = patched(before, {"total_cost": {"excl_vat": 2}, "last_updated": LATER}, SESSIONS)
    assert result["total_cost"] == {"excl_vat": 2}


class TestIdentity:
    def test_the_own_id_may_be_repeated_in_any_case_and_stays_as_it_was(self) -> None:
        changes = {"id": "loc1", "country_code": "nl", "party_id": "cpo", "last_updated": LATER}
        assert patched(location("LOC1"), changes) == location("LOC1", last_updated=LATER)

    @pytest.mark.parametrize("field", ["id", "country_code", "party_id"])
    def test_another_identity_is_refused(self, field: str) -> None:
        with pytest.raises(InvalidParameters, match=field):
            merge(location(), {field: "ZZ", "last_updated": LATER}, LOCATIONS.shape)

    def test_the_type_of_a_token_is_its_identity(self) -> None:
        with pytest.raises(InvalidParameters, match="type"):
            merge(token(), {"type": "APP_USER", "last_updated": LATER}, TOKENS.shape)


class TestChildren:
    def test_evses_are_merged_by_uid_and_keep_their_order(self) -> None:
        changes = {"evses": [{"uid": "a", "status": "CHARGING"}], "last_updated": LATER}
        result = patched(two_evses(), changes)
        assert [(one["uid"], one["status"]) for one in result["evses"]] == [("A", "CHARGING"), ("B", "AVAILABLE")]
        assert len(result["evses"][0]["connectors"]) == 2

    def test_connectors_are_merged_by_id_inside_of_their_evse(self) -> None:
        changes = {"evses": [{"uid": "A", "connectors": [{"id": "2", "max_amperage": 16}]}], "last_updated": LATER}
        first = patched(two_evses(), changes)["evses"][0]
        assert [(one["id"], one["max_amperage"]) for one in first["connectors"]] == [("1", 32), ("2", 16)]

    def test_a_new_evse_comes_last(self) -> None:
        result = patched(two_evses(), {"evses": [evse("C")], "last_updated": LATER})
        assert [one["uid"] for one in result["evses"]] == ["A", "B", "C"]

    @pytest.mark.parametrize("nothing", [[], None])
    def test_an_empty_list_removes_no_child(self, nothing: Any) -> None:
        result = patched(two_evses(), {"evses": nothing, "last_updated": LATER})
        assert result["evses"] == two_evses()["evses"]

    @pytest.mark.parametrize(
        ("evses", "path"),
        [
            ([{"status": "CHARGING"}], "evses.0.uid"),
            ([{"uid": "A"}, "B"], "evses.1"),
            ({"uid": "A"}, "evses: must be a list"),
            ([{"uid": "A", "connectors": [{"id": 1}]}], "evses.0.connectors.0.id"),
        ],
    )
    def test_what_is_wrong_is_said_with_its_path(self, evses: Any, path: str) -> None:
        with pytest.raises(InvalidParameters, match=path):
            merge(two_evses(), {"evses": evses, "last_updated": LATER}, LOCATIONS.shape)


class TestCarryingUp:
    """mod_locations: the last_updated of a child becomes its parents'."""

    def test_a_connector_reaches_evse_and_location(self) -> None:
        changed = connector("2", max_amperage=16, last_updated=LATER)
        result = change_child(two_evses(), LOCATIONS.children, ("A", "2"), lambda _: changed)
        first, second = result["evses"]
        assert first["connectors"] == [connector("1"), changed]
        assert (first["last_updated"], result["last_updated"]) == (LATER, LATER)
        assert second == evse("B")

    def test_an_evse_reaches_its_location_and_leaves_its_siblings(self) -> None:
        changed = evse("b", status="REMOVED", last_updated=LATER)
        result = change_child(two_evses(), LOCATIONS.children, ("B",), lambda _: changed)
        assert result["evses"] == [two_evses()["evses"][0], changed]
        assert result["last_updated"] == LATER

    def test_a_new_child_is_given_nothing_and_comes_last(self) -> None:
        given: list[Any] = []
        result = change_child(two_evses(), LOCATIONS.children, ("C",), lambda kept: given.append(kept) or evse("C"))
        assert given == [None]
        assert [one["uid"] for one in result["evses"]] == ["A", "B", "C"]

    def test_a_connector_of_an_unknown_evse_is_not_found(self) -> None:
        with pytest.raises(NotFound) as error:
            change_child(two_evses(), LOCATIONS.children, ("C", "1"), lambda _: connector())
        assert (error.value.http_status, error.value.status_code) == (404, 2003)

    def test_what_was_given_stays_as_it_was(self) -> None:
        before = two_evses()
        change_child(before, LOCATIONS.children, ("A", "1"), lambda _: connector("1", last_updated=LATER))
        assert before == two_evses()


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        ((), two_evses()),
        (("a",), two_evses()["evses"][0]),
        (("A", "2"), connector("2")),
        (("C",), None),
        (("C", "1"), None),
        (("A", "3"), None),
    ],
)
def test_a_child_is_found_by_its_ids(ids: tuple[str, ...], found: Any) -> None:
    assert find_child(two_evses(), LOCATIONS.children, ids) == found


class TestChargingPeriods:
    """mod_sessions: a PATCH adds charging periods; only a PUT replaces them."""

    first, second = charging_period(), charging_period("2026-03-01T11:00:00Z")

    def test_they_are_appended(self) -> None:
        changes = {"charging_periods": [self.second], "kwh": 3, "last_updated": LATER}
        result = patched(session(charging_periods=[self.first]), changes, SESSIONS)
        assert (result["charging_periods"], result["kwh"]) == ([self.first, self.second], 3)

    @pytest.mark.parametrize("nothing", [[], None])
    def test_an_empty_list_changes_nothing(self, nothing: Any) -> None:
        changes = {"charging_periods": nothing, "last_updated": LATER}
        assert patched(session(charging_periods=[self.first]), changes, SESSIONS)["charging_periods"] == [self.first]

    def test_the_same_request_again_adds_nothing_twice(self) -> None:
        changes = {"charging_periods": [self.second], "last_updated": LATER}
        once = patched(session(charging_periods=[self.first]), changes, SESSIONS)
        assert patched(once, changes, SESSIONS) == once

    def test_an_equal_period_at_another_time_is_a_new_one(self) -> None:
        changes = {"charging_periods": [self.first], "last_updated": LATER}
        result = patched(session(charging_periods=[self.first]), changes, SESSIONS)
        assert result["charging_periods"] == [self.first, self.first]

    def test_it_must_be_a_list(self) -> None:
        with pytest.raises(InvalidParameters, match="charging_periods: must be a list"):
            merge(session(), {"charging_periods": self.first, "last_updated": LATER}, SESSIONS.shape)
