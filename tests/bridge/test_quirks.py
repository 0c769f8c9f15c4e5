"""What breaks the schema: mended where its meaning is plain, refused with the right fault where it is not."""

from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp.dialects import DIALECTS
from bridge_ocpp.ocppj import Fault
from bridge_ocpp.quirks import Mended, mend
from bridge_ocpp.schemas import Edition

STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
START = {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"}
STOP = {"transactionId": 1, "meterStop": 5, "timestamp": "2026-03-01T12:00:00Z"}


def values(*samples: Any) -> dict[str, Any]:
    return {"connectorId": 1, "meterValue": [{"timestamp": "2026-03-01T12:00:00Z", "sampledValue": list(samples)}]}


MONITOR = {
    "requestId": 1,
    "seqNo": 0,
    "generatedAt": "2026-01-01T00:00:00Z",
    "monitor": [
        {
            "component": {"name": "C"},
            "variable": {"name": "V"},
            "variableMonitoring": [
                {"id": 1, "transaction": False, "value": "abc", "type": "UpperThreshold", "severity": 1}
            ],
        }
    ],
}


def mended(protocol: str, action: str, payload: dict[str, Any]) -> Mended:
    dialect = DIALECTS[protocol]
    schema = Edition(dialect.schema_folder, dialect.request_suffix).request_heard(action)
    return mend(payload, schema.violations, dialect.leniency)


@pytest.mark.parametrize(
    ("action", "payload", "note", "field", "after"),
    [
        ("MeterValues", values({"value": 1}), "a number for string", "meterValue.0.sampledValue.0.value", "1"),
        (
            "MeterValues",
            values({"value": Decimal("1.50")}),
            "a number for string",
            "meterValue.0.sampledValue.0.value",
            "1.50",
        ),
        ("StatusNotification", STATUS | {"connectorId": "2"}, "a string for integer", "connectorId", 2),
        ("StatusNotification", STATUS | {"connectorId": Decimal("2.0")}, "a number for integer", "connectorId", 2),
        (
            "StatusNotification",
            STATUS | {"status": "available"},
            "a word in another spelling",
            "status",
            "Available",
        ),
        (
            "StatusNotification",
            STATUS | {"status": "suspended_ev"},
            "a word in another spelling",
            "status",
            "SuspendedEV",
        ),
        ("StatusNotification", STATUS | {"errorCode": "Smoke"}, "an unknown word", "errorCode", "Smoke"),
        ("StatusNotification", STATUS | {"info": "x" * 60}, "too long", "info", "x" * 60),
        ("StatusNotification", STATUS | {"info": None}, "null", "info", None),
        ("StatusNotification", {"connectorId": 1, "status": "Faulted"}, "no errorCode", "errorCode", None),
        ("StopTransaction", STOP | {"reason": "CableTorn"}, "an unknown word", "reason", "CableTorn"),
        ("MeterValues", {"connectorId": 1, "meterValue": []}, "an empty list", "meterValue", []),
        (
            "StopTransaction",
            STOP | {"meterStop": Decimal("5.5")},
            "a fraction for integer",
            "meterStop",
            Decimal("5.5"),
        ),
        ("StopTransaction", STOP | {"meterStop": "5.5"}, "a string for number", "meterStop", Decimal("5.5")),
        ("StopTransaction", STOP | {"meterStop": "5,5"}, "a string for number", "meterStop", Decimal("5.5")),
        ("StartTransaction", START | {"idTag": "x" * 36}, "too long", "idTag", "x" * 36),
        ("StartTransaction", {k: START[k] for k in START if k != "timestamp"}, "no timestamp", "timestamp", None),
        (
            "MeterValues",
            values({"value": "1", "measurand": "Energy.Of.Mine", "unit": "BTU"}),
            "an unknown word",
            "meterValue.0.sampledValue.0.measurand",
            "Energy.Of.Mine",
        ),
        ("MeterValues", values({"value": "1"}) | {"extra": {"any": "thing"}}, None, "extra", {"any": "thing"}),
    ],
)
def test_plain_meanings_pass(action: str, payload: dict[str, Any], note: str | None, field: str, after: Any) -> None:
    result = mended("ocpp1.6", action, payload)
    assert result.fault is None
    assert (note is None and result.notes == ()) or any(str(note) in found for found in result.notes)
    value: Any = payload
    for step in field.split("."):
        value = value[int(step)] if isinstance(value, list) else value.get(step)
    assert value == after


def test_notes_name_the_field() -> None:
    result = mended("ocpp1.6", "MeterValues", values({"value": 1}, {"value": 2}))
    assert result.notes == ("meterValue[].sampledValue[].value: a number for string",)


@pytest.mark.parametrize(
    ("protocol", "action", "payload", "fault"),
    [
        ("ocpp1.6", "StatusNotification", {"errorCode": "NoError", "status": "Available"}, Fault.OCCURRENCE),
        ("ocpp1.6", "StatusNotification", STATUS | {"connectorId": "one"}, Fault.TYPE),
        ("ocpp1.6", "StatusNotification", STATUS | {"connectorId": Decimal("1.5")}, Fault.TYPE),
        ("ocpp1.6", "StatusNotification", STATUS | {"connectorId": 10**30}, Fault.PROPERTY),
        ("ocpp1.6", "StatusNotification", STATUS | {"status": "Dancing"}, Fault.PROPERTY),
        ("ocpp1.6", "MeterValues", {"connectorId": 1, "meterValue": "none"}, Fault.TYPE),
        ("ocpp1.6", "StartTransaction", START | {"idTag": {"tag": 1}}, Fault.TYPE),
        ("ocpp2.0.1", "NotifyMonitoringReport", MONITOR, Fault.TYPE),
        ("ocpp2.0.1", "Authorize", {}, Fault.OCCURRENCE),
        ("ocpp2.0.1", "Authorize", {"idToken": {"idToken": "T", "type": "Tattoo"}}, Fault.PROPERTY),
        ("ocpp2.0.1", "Authorize", {"idToken": "T"}, Fault.TYPE),
    ],
)
def test_what_has_no_plain_meaning_is_refused(
    protocol: str, action: str, payload: dict[str, Any], fault: Fault
) -> None:
    assert mended(protocol, action, payload).fault is fault


def test_hostile_numbers_do_no_harm() -> None:
    assert mended("ocpp1.6", "StatusNotification", STATUS | {"connectorId": Decimal("1e999999999")}).fault is not None
    assert mended("ocpp1.6", "StatusNotification", STATUS | {"info": Decimal("1e999999999")}).fault is None
    reading = {"evseId": Decimal("1e999999999"), "meterValue": []}
    assert mended("ocpp2.0.1", "MeterValues", reading).fault is not None
