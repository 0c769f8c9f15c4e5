"""Findings that need two documents: overlaps, duplicates, credit pairs, sessions, missing CDRs."""

from datetime import timedelta
from typing import Any

import pytest

from ocpi_hub.pricing import against_session, credit_pair, duplicates, missing_cdrs, overlaps

from .build import Json, cdr, codes, period, utc


def charge(cdr_id: str, start: str, end: str, **fields: Any) -> Json:
    document: Json = {
        "id": cdr_id,
        "start_date_time": f"2026-01-05T{start}:00Z",
        "end_date_time": f"2026-01-05T{end}:00Z",
        "cdr_location": {"id": "LOC1", "evse_uid": "E1"},
        "cdr_token": {"uid": "CARD"},
    }
    return document | fields


THIS = charge("A", "10:00", "11:00")


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (charge("B", "10:30", "11:30"), True),
        (charge("B", "09:00", "12:00"), True),
        (charge("B", "11:00", "12:00"), False),
        (charge("B", "09:00", "10:00"), False),
        (charge("B", "10:30", "11:30", cdr_location={"id": "loc1", "evse_uid": "e1"}), True),
        (charge("B", "10:30", "11:30", cdr_location={"id": "LOC1", "evse_uid": "E2"}), False),
        (charge("B", "10:30", "11:30", cdr_location={"id": "LOC1", "evse_uid": "#NA"}), False),
        (charge("B", "10:30", "11:30", cdr_location=None), False),
        (charge("a", "10:30", "11:30"), False),  # the same CDR once more
        (charge("B", "10:30", "11:30", end_date_time=None), False),
    ],
)
def test_overlaps(other: Json, expected: bool) -> None:
    assert (codes(overlaps(THIS, [other])) == [("overlap", "start_date_time")]) is expected


def test_credited_cdrs_do_not_overlap() -> None:
    """What was credited does not stand any more: the new CDR of the same session is alone."""
    wrong = charge("B", "10:00", "11:00", session_id="S1")
    credit = charge("B-C", "10:00", "11:00", session_id="S1", credit=True, credit_reference_id="B")
    right = charge("C", "10:00", "11:00", session_id="S1")
    assert codes(overlaps(right, [wrong, credit])) == []
    assert codes(duplicates(right, [wrong, credit])) == []
    assert codes(overlaps(credit, [wrong])) == []
    assert codes(duplicates(right, [wrong])) == [("duplicate", "session_id")]


@pytest.mark.parametrize(
    ("this", "other", "field"),
    [
        (charge("A", "10:00", "11:00"), charge("B", "10:00", "11:00"), "id"),
        (charge("A", "10:00", "11:00"), charge("B", "10:00", "11:01"), None),
        (charge("A", "10:00", "11:00"), charge("B", "10:00", "11:00", cdr_token={"uid": "OTHER"}), None),
        (charge("A", "10:00", "11:00", session_id="s1"), charge("B", "12:00", "13:00", session_id="S1"), "session_id"),
        (charge("A", "10:00", "11:00", session_id="s1"), charge("B", "12:00", "13:00", session_id="S2"), None),
        (charge("A", "10:00", "11:00", cdr_token=None), charge("B", "10:00", "11:00", cdr_token=None), None),
    ],
)
def test_duplicates(this: Json, other: Json, field: str | None) -> None:
    assert codes(duplicates(this, [other])) == ([("duplicate", field)] if field else [])


ORIGINAL = cdr(
    period("2026-01-05T10:00:00Z", ENERGY=10),
    end="2026-01-05T11:00:00Z",
    total_cost={"excl_vat": 2.5, "incl_vat": 3},
    total_energy=10,
    remark=None,
)


def credited(**changes: Any) -> Json:
    document = ORIGINAL | {
        "id": "C1-C",
        "credit": True,
        "credit_reference_id": "c1",
        "total_cost": {"excl_vat": "-2.50", "incl_vat": "-3.0"},
        "total_energy": "10.0",
    }
    return {**document, "total_energy": 10.0} | changes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"credit_reference_id": "C2"}, [("credit_reference_differs", "credit_reference_id")]),
        ({"id": "c1"}, [("credit_same_id", "id")]),
        ({"total_cost": {"excl_vat": -2, "incl_vat": -3}}, [("credit_amount_differs", "total_cost.excl_vat")]),
        ({"total_cost": {"excl_vat": -2.5, "incl_vat": 3}}, [("credit_amount_differs", "total_cost.incl_vat")]),
        ({"total_energy": -10}, [("credit_data_differs", "total_energy")]),
        ({"charging_periods": []}, [("credit_data_differs", "charging_periods")]),
        ({"auth_method": "WHITELIST"}, [("credit_data_differs", "auth_method")]),
        ({"tariffs": []}, []),
        ({"tariffs": None, "signed_data": None}, []),
        ({"tariffs": [{}]}, [("credit_data_differs", "tariffs")]),
        ({"total_energy": True}, [("credit_data_differs", "total_energy")]),
        ({"total_energy": "10"}, [("credit_data_differs", "total_energy")]),
        ({"total_energy": float("nan")}, [("credit_data_differs", "total_energy")]),
        ({"charging_periods": ORIGINAL["charging_periods"] * 2}, [("credit_data_differs", "charging_periods")]),
        ({"home_charging_compensation": False}, [("credit_data_differs", "home_charging_compensation")]),
        ({"remark": "wrong tariff", "last_updated": "2026-02-01T00:00:00Z"}, []),
    ],
)
def test_credit_pairs(changes: Json, expected: list[tuple[str, str]]) -> None:
    """Only total_cost is negative; the rest is the original's (mod_cdrs, Credit CDRs)."""
    assert codes(credit_pair(credited(**changes), ORIGINAL)) == expected


def test_a_cdr_against_its_session() -> None:
    session = {"kwh": 10, "currency": "EUR", "total_cost": {"excl_vat": 2.5, "incl_vat": 3}}
    assert codes(against_session(ORIGINAL, session)) == []
    assert codes(against_session(ORIGINAL, session | {"kwh": "9.9"})) == [("session_differs", "total_energy")]
    assert codes(against_session(ORIGINAL, session | {"currency": "SEK"})) == [("session_differs", "currency")]
    dearer = session | {"total_cost": {"excl_vat": 2.6}}
    assert codes(against_session(ORIGINAL, dearer)) == [("session_differs", "total_cost.excl_vat")]


def test_sessions_without_a_cdr() -> None:
    def session(session_id: str, status: str = "COMPLETED", **fields: Any) -> Json:
        return {"id": session_id, "status": status, "end_date_time": "2026-01-05T12:00:00Z"} | fields

    sessions = [
        session("S1"),
        session("S2"),
        session("S3", "ACTIVE"),
        session("S4", end_date_time="2026-01-06T00:00:00Z"),
        session("S5", end_date_time=None, last_updated="2026-01-05T11:00:00Z"),
    ]
    cdrs = [{"id": "C1", "session_id": "s1"}, {"id": "C2"}]
    missing = missing_cdrs(sessions, cdrs, now=utc("2026-01-06 12:00:01"))
    assert [session_id for session_id, _ in missing] == ["S2", "S5"]
    assert codes(finding for _, finding in missing) == [("cdr_missing", "session_id")] * 2
    assert missing_cdrs(sessions, cdrs, now=utc("2026-01-06 12:00"), after=timedelta(days=2)) == []
    exactly_a_day = missing_cdrs(sessions, cdrs, now=utc("2026-01-06 12:00"))
    assert [session_id for session_id, _ in exactly_a_day] == ["S5"]
