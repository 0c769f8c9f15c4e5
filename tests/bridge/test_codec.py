"""Commands and outcomes over the wire between processes."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bridge_ocpp import codec, ocppj
from bridge_ocpp.dialects.security_words import SetPassword
from bridge_ocpp.port import (
    Attend,
    AuthStatus,
    CancelReservation,
    ChangeAvailability,
    ChargingProfile,
    ClearCache,
    ClearProfiles,
    Command,
    GetBaseReport,
    GetComposite,
    GetLocalListVersion,
    GetProfiles,
    GetReport,
    GetVariables,
    IdToken,
    Kind,
    LimitTransaction,
    LocalListEntry,
    Outcome,
    OutcomeStatus,
    Period,
    Purpose,
    RateUnit,
    RawCall,
    Recurrency,
    ReserveNow,
    Reset,
    Schedule,
    SendLocalList,
    SetNetworkProfile,
    SetProfile,
    SetVariables,
    ShareCurrent,
    StartCharging,
    StopCharging,
    TransferData,
    Trigger,
    UnlockConnector,
    VariableName,
    VariableSetting,
    Verdict,
)
from tests.bridge.security.commands import SECURITY
from tests.bridge.upkeep.commands import UPKEEP

NAME = VariableName("Interval", "AlignedDataCtrlr", evse_id=1)
DEVICES: list[Command] = [
    Attend(),
    GetVariables((NAME, VariableName("HeartbeatInterval"))),
    SetVariables((VariableSetting(NAME, "900"),)),
    GetBaseReport(7),
    GetReport(8, (NAME,), ("Problem",)),
    Reset(when_idle=True, evse_id=2),
    ChangeAvailability(operative=False, evse_id=1, connector_id=1),
    Trigger("StatusNotification", 1, 1),
    ClearCache(),
    TransferData("com.example", "M", {"a": 1}),
    GetLocalListVersion(),
    SendLocalList(
        3,
        full=True,
        entries=(
            LocalListEntry(
                IdToken("T"),
                Verdict(AuthStatus.ACCEPTED, IdToken("G", "Central"), datetime(2026, 3, 1, tzinfo=UTC), "Hello"),
            ),
            LocalListEntry(IdToken("U"), Verdict(AuthStatus.BLOCKED)),
            LocalListEntry(IdToken("V"), None),
        ),
    ),
    SetNetworkProfile(1, {"ocppVersion": "OCPP20"}),
]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROFILE = ChargingProfile(
    7,
    Purpose.TRANSACTION,
    Kind.RECURRING,
    2,
    Schedule(RateUnit.A, (Period(0, Decimal("16.0"), 3), Period(600, Decimal(8))), NOON, 3600, Decimal(6)),
    Recurrency.DAILY,
    NOON,
    NOON,
    "abc",
)

COMMANDS: list[Command] = [
    ShareCurrent("T", Decimal("9.5"), RateUnit.W, 230, 3, NOON, Decimal(6), 12),
    StartCharging(IdToken("T", "Central"), 5),
    StartCharging(IdToken("T"), 5, 1, 2, IdToken("G", "Central"), PROFILE),
    SetProfile(1, PROFILE),
    ClearProfiles(7, 1, Purpose.DEFAULT, 0),
    GetComposite(1, 900, RateUnit.W),
    GetProfiles(5, 1),
    LimitTransaction("abc", PROFILE.schedule),
    LimitTransaction("abc"),
    ShareCurrent("abc", Decimal("10.5"), RateUnit.W, 230, 1),
    StopCharging("abc"),
    UnlockConnector(1, 2),
    ReserveNow(1, IdToken("T"), datetime(2026, 3, 1, tzinfo=UTC), 2, IdToken("G")),
    CancelReservation(1),
    *DEVICES,
    *UPKEEP,
    *SECURITY,
    RawCall("Reset", {"z": 1, "a": {"limit": Decimal("21.40")}, "m": None}),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_commands_travel(command: Command) -> None:
    assert codec.read_command(ocppj.loads(ocppj.dumps(codec.write_command(command)))) == command


def test_a_password_that_the_bridge_made_does_not_travel() -> None:
    with pytest.raises(KeyError):
        codec.write_command(SetPassword("secret-secret"))


def test_every_command_of_the_port_can_travel() -> None:
    assert {type(command) for command in COMMANDS} == set(codec.COMMANDS.values())


def test_a_raw_call_keeps_its_keys_in_order_and_its_digits() -> None:
    text = ocppj.dumps(codec.write_command(COMMANDS[-1]))
    assert '"payload":{"z":1,"a":{"limit":21.40},"m":null}' in text


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(OutcomeStatus.ACCEPTED, payload={"b": 1, "a": Decimal("0.10")}),
        Outcome(OutcomeStatus.FAILED, "no", error={"code": "X", "description": "", "details": {}}),
        Outcome(OutcomeStatus.OFFLINE, "gone"),
    ],
)
def test_outcomes_travel(outcome: Outcome) -> None:
    assert codec.read_outcome(codec.write_outcome(outcome).encode()) == outcome


def test_what_is_no_command_is_refused() -> None:
    for nonsense in ({"command": "Dance", "fields": {}}, {"command": "StopCharging", "fields": {"x": 1}}, {}):
        with pytest.raises((KeyError, TypeError)):
            codec.read_command(json.loads(json.dumps(nonsense)))
