"""Smart charging in the words of both versions: literal JSON out and in, valid by their schemas."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp.dialects import v16, v201
from bridge_ocpp.dialects.charging import LimitTold, ProfilesReported
from bridge_ocpp.dialects.words import Reply
from bridge_ocpp.port import (
    ChargingProfile,
    ClearProfiles,
    Command,
    GetComposite,
    GetProfiles,
    IdToken,
    Kind,
    OutcomeStatus,
    Period,
    Purpose,
    RateUnit,
    Recurrency,
    ReserveNow,
    Schedule,
    SetProfile,
    StartCharging,
    Transaction,
    read_schedule,
)
from bridge_ocpp.schemas import Edition

D = Decimal
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STEPS = (Period(0, D("16.5"), 3), Period(600, D(8)))
RUNNING = Transaction("ours", "CP1", "77", 1, 1, None, NOON)
TX = ChargingProfile(
    7, Purpose.TRANSACTION, Kind.RELATIVE, 2, Schedule(RateUnit.A, STEPS, duration=900), transaction_id="ours"
)
STATION = ChargingProfile(8, Purpose.STATION, Kind.ABSOLUTE, 0, Schedule(RateUnit.W, STEPS[1:], NOON, minimum=D(6)))
DAILY = ChargingProfile(
    9, Purpose.DEFAULT, Kind.RECURRING, 1, Schedule(RateUnit.A, STEPS, NOON), Recurrency.DAILY, NOON, NOON
)
EDITIONS = {"v16": (v16.DIALECT, Edition("v16", "")), "v201": (v201.DIALECT, Edition("v201", "Request"))}


def said(version: str, command: Command, about: Transaction | None = None) -> tuple[str, Any]:
    dialect, edition = EDITIONS[version]
    outbound = dialect.outbound[type(command)]
    payload = dict(outbound.say(command, about))
    assert edition.request_sent(outbound.action).violations(payload) == []
    return outbound.action, payload


def heard(version: str, action: str, payload: Any) -> Any:
    dialect, edition = EDITIONS[version]
    assert edition.request_heard(action).violations(payload) == []
    inbound = dialect.inbound[action]
    fact = inbound.read(payload)
    assert edition.response_sent(action).violations(dict(inbound.answer(Reply(NOON)))) == []
    return fact


def test_a_profile_of_a_transaction_in_1_6() -> None:
    assert said("v16", SetProfile(1, TX), RUNNING) == (
        "SetChargingProfile",
        {
            "connectorId": 1,
            "csChargingProfiles": {
                "chargingProfileId": 7,
                "stackLevel": 2,
                "chargingProfilePurpose": "TxProfile",
                "chargingProfileKind": "Relative",
                "transactionId": 77,
                "chargingSchedule": {
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": [
                        {"startPeriod": 0, "limit": D("16.5"), "numberPhases": 3},
                        {"startPeriod": 600, "limit": D(8)},
                    ],
                    "duration": 900,
                },
            },
        },
    )


def test_a_profile_of_a_transaction_in_2_0_1() -> None:
    _, payload = said("v201", SetProfile(1, TX), RUNNING)
    assert payload["evseId"] == 1
    profile = payload["chargingProfile"]
    assert (profile["id"], profile["transactionId"], len(profile["chargingSchedule"])) == (7, "77", 1)


@pytest.mark.parametrize(("version", "word"), [("v16", "ChargePointMaxProfile"), ("v201", "ChargingStationMaxProfile")])
def test_a_limit_of_the_whole_charger_has_two_names(version: str, word: str) -> None:
    _, payload = said(version, SetProfile(0, STATION))
    profile = payload.get("csChargingProfiles") or payload["chargingProfile"]
    assert profile["chargingProfilePurpose"] == word
    assert said(version, ClearProfiles(purpose=Purpose.STATION))[1] in (
        {"chargingProfilePurpose": word},
        {"chargingProfileCriteria": {"chargingProfilePurpose": word}},
    )


@pytest.mark.parametrize("version", ["v16", "v201"])
@pytest.mark.parametrize("profile", [TX, STATION, DAILY])
def test_what_is_said_is_read_the_same(version: str, profile: ChargingProfile) -> None:
    """An operator's own call with that payload means the same command; its transaction is named by the charger."""
    dialect, _ = EDITIONS[version]
    action, payload = said(version, SetProfile(1, profile), RUNNING)
    meant = dialect.meant[action](payload)
    assert isinstance(meant, SetProfile)
    expected = {"ours": "77"}.get(profile.transaction_id or "", profile.transaction_id)
    assert meant.charging_profile == ChargingProfile(
        *(getattr(profile, name) for name in ("id", "purpose", "kind", "stack_level", "schedule")),
        recurrency=profile.recurrency,
        valid_from=profile.valid_from,
        valid_to=profile.valid_to,
        transaction_id=expected,
    )


def test_an_external_constraint_cannot_be_said_in_1_6() -> None:
    outside = ChargingProfile(1, Purpose.EXTERNAL, Kind.ABSOLUTE, 0, Schedule(RateUnit.A, STEPS))
    payload = dict(v16.DIALECT.outbound[SetProfile].say(SetProfile(0, outside), None))
    assert Edition("v16", "").request_sent("SetChargingProfile").violations(payload)


@pytest.mark.parametrize("version", ["v16", "v201"])
def test_a_remote_start_brings_its_profile(version: str) -> None:
    fresh = ChargingProfile(7, Purpose.TRANSACTION, Kind.RELATIVE, 0, Schedule(RateUnit.A, STEPS))
    _, payload = said(version, StartCharging(IdToken("T"), 5, 1, charging_profile=fresh))
    assert payload["chargingProfile"]["chargingProfilePurpose"] == "TxProfile"
    assert "transactionId" not in payload["chargingProfile"]


@pytest.mark.parametrize(
    ("version", "command", "payload"),
    [
        ("v16", ClearProfiles(7), {"id": 7}),
        ("v16", ClearProfiles(None, 1, Purpose.DEFAULT, 0), {"connectorId": 1, "chargingProfilePurpose":
         "TxDefaultProfile", "stackLevel": 0}),
        ("v201", ClearProfiles(7), {"chargingProfileId": 7}),
        ("v201", ClearProfiles(None, 1, None, 0), {"chargingProfileCriteria": {"evseId": 1, "stackLevel": 0}}),
        ("v201", ClearProfiles(), {}),
        ("v16", GetComposite(1, 900, RateUnit.W), {"connectorId": 1, "duration": 900, "chargingRateUnit": "W"}),
        ("v201", GetComposite(1, 900), {"evseId": 1, "duration": 900}),
        ("v201", GetProfiles(3, 1), {"requestId": 3, "chargingProfile": {}, "evseId": 1}),
    ],
)  # fmt: skip
def test_the_other_questions(version: str, command: Command, payload: Any) -> None:
    assert said(version, command)[1] == payload


def test_1_6_has_no_report_of_profiles() -> None:
    assert GetProfiles not in v16.DIALECT.outbound


PERIODS = [{"startPeriod": 0, "limit": D("16.0")}, {"startPeriod": 300, "limit": D("6.5"), "numberPhases": 1}]
ANSWERS = {
    "v16": {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": "2026-03-01T12:00:00Z",
        "chargingSchedule": {"duration": 600, "chargingRateUnit": "A", "chargingSchedulePeriod": PERIODS},
    },
    "v201": {
        "status": "Accepted",
        "schedule": {
            "evseId": 1,
            "duration": 600,
            "scheduleStart": "2026-03-01T12:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": PERIODS,
        },
    },
}


@pytest.mark.parametrize("version", ["v16", "v201"])
def test_a_composite_schedule_is_read_in_one_shape(version: str) -> None:
    dialect, edition = EDITIONS[version]
    assert edition.response_heard("GetCompositeSchedule").violations(ANSWERS[version]) == []
    outcome = dialect.outbound[GetComposite].read(ANSWERS[version])
    assert outcome.payload is not None
    expected = Schedule(RateUnit.A, (Period(0, D(16)), Period(300, D("6.5"), 1)), NOON, 600)
    assert read_schedule(outcome.payload) == expected
    assert dialect.outbound[GetComposite].read({"status": "Accepted"}).status is OutcomeStatus.FAILED
    assert dialect.outbound[GetComposite].read({"status": "Rejected"}).status is OutcomeStatus.REJECTED


@pytest.mark.parametrize("version", ["v16", "v201"])
def test_there_was_nothing_to_clear(version: str) -> None:
    outcome = EDITIONS[version][0].outbound[ClearProfiles].read({"status": "Unknown"})
    assert outcome.status is OutcomeStatus.UNKNOWN_PROFILE


SCHEDULE = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": D("10.5")}]}


def test_limits_of_others() -> None:
    limit = {"chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": True}, "chargingSchedule": [SCHEDULE]}
    told = heard("v201", "NotifyChargingLimit", limit | {"evseId": 2})
    schedule = Schedule(RateUnit.A, (Period(0, D("10.5")),))
    assert told == LimitTold("EMS", 2, (schedule,), grid_critical=True)
    gone = heard("v201", "ClearedChargingLimit", {"chargingLimitSource": "EMS"})
    assert gone == LimitTold("EMS", 0, cleared=True)


def test_reported_profiles() -> None:
    _, payload = said("v201", SetProfile(1, TX), RUNNING)
    report = {"requestId": 5, "chargingLimitSource": "CSO", "evseId": 1, "tbc": True}
    told = heard("v201", "ReportChargingProfiles", report | {"chargingProfile": [payload["chargingProfile"]]})
    assert isinstance(told, ProfilesReported)
    assert (told.request_id, told.more, told.profiles[0].transaction_id) == (5, True, "77")


def test_what_only_a_later_version_has_is_left_out() -> None:
    """2.1 has more purposes, and periods without a limit: what is left is kept, nothing fails."""
    _, payload = said("v201", SetProfile(1, TX), RUNNING)
    known = payload["chargingProfile"]
    local = known | {"chargingProfilePurpose": "LocalGeneration"}
    wishing = {"startPeriod": 900, "setpoint": D(5)}
    schedule = known["chargingSchedule"][0]
    mixed = known | {
        "chargingSchedule": [schedule | {"chargingSchedulePeriod": [*schedule["chargingSchedulePeriod"], wishing]}]
    }
    report = {"requestId": 5, "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": [local, mixed]}
    told = v201.DIALECT.inbound["ReportChargingProfiles"].read(report)
    assert isinstance(told, ProfilesReported)
    assert [profile.schedule.periods for profile in told.profiles] == [STEPS]


def test_an_operators_own_reservation_means_the_same() -> None:
    meant = v16.DIALECT.meant["ReserveNow"](
        {"connectorId": 0, "expiryDate": "2026-03-01T12:00:00Z", "idTag": "T", "reservationId": 3}
    )
    assert meant == ReserveNow(3, IdToken("T"), NOON, None)
