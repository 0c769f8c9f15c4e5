"""Frames: read leniently, written strictly."""

from decimal import Decimal

import pytest

from bridge_ocpp import ocppj
from bridge_ocpp.ocppj import CODES_2X, CODES_16, Broken, Call, CallError, CallResult, Fault


def test_a_call_is_read_with_decimals() -> None:
    assert ocppj.read('[2,"1","A",{"x":1.10,"y":2}]') == Call("1", "A", {"x": Decimal("1.10"), "y": 2})


def test_answers_are_read() -> None:
    assert ocppj.read('[3,"1",{"status":"Accepted"}]') == CallResult("1", {"status": "Accepted"})
    assert ocppj.read('[4,"1","NotSupported","no",{"a":1}]') == CallError("1", "NotSupported", "no", {"a": 1})


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('[2,17,"A",{}]', Call("17", "A", {}, ("frame: a number as message id",))),
        ('[2,"1","A"]', Call("1", "A", {}, ("frame: no payload object",))),
        ('[2,"1","A",null]', Call("1", "A", {}, ("frame: no payload object",))),
        ('[2,"1","A",[]]', Call("1", "A", {}, ("frame: no payload object",))),
        (f'[2,"{"x" * 40}","A",{{}}]', Call("x" * 40, "A", {}, ("frame: a message id over 36 characters",))),
        (
            '[2,"1","A",{"a":"x\\u0000y\\ud800z"}]',
            Call("1", "A", {"a": "xy\ufffdz"}, ("frame: characters that cannot be stored",)),
        ),
        (
            '[2,"1","A",{"a":"\\ud83d\\ude00"}]',
            Call("1", "A", {"a": "😀"}, ("frame: characters that cannot be stored",)),
        ),
        ('["2","1","A",{}]', Call("1", "A", {}, ("frame: a string as message type",))),
        ('[2,"1","A",{},"more"]', Call("1", "A", {}, ("frame: more than belongs into it",))),
        ('[3,"1",{},5]', CallResult("1", {}, ("frame: more than belongs into it",))),
        ('[4,"1"]', CallError("1", "GenericError", "", {}, ("CALLERROR: no error code",))),
    ],
)
def test_what_is_meant_plainly_passes_with_a_note(text: str, frame: ocppj.Frame) -> None:
    assert ocppj.read(text) == frame


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "{}",
        "[]",
        "[2]",
        '"2"',
        "null",
        '[2,null,"A",{}]',
        '[2,true,"A",{}]',
        "[" * 100_000,
        '[2,"1","A",{"x":NaN}]',
    ],
)
def test_what_is_no_frame_is_broken_and_has_no_id(text: str) -> None:
    frame = ocppj.read(text)
    assert isinstance(frame, Broken)
    assert (frame.fault, frame.message_id) == (Fault.NO_RPC, None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[2,"1"]', Fault.FORMAT),
        ('[2,"1",5,{}]', Fault.FORMAT),
        ('[2,"1","A",5]', Fault.FORMAT),
        ('[2,"1","A",[1]]', Fault.FORMAT),
        ('[9,"1","A",{}]', Fault.MESSAGE_TYPE),
        ('["9","1","A",{}]', Fault.MESSAGE_TYPE),
        ('["22","1","A",{}]', Fault.MESSAGE_TYPE),
        ('["²","1","A",{}]', Fault.MESSAGE_TYPE),
        ('[true,"1","A",{}]', Fault.MESSAGE_TYPE),
    ],
)
def test_a_broken_call_keeps_its_id(text: str, fault: Fault) -> None:
    frame = ocppj.read(text)
    assert isinstance(frame, Broken)
    assert (frame.fault, frame.message_id, frame.answerable) == (fault, "1", True)


def test_what_is_nested_too_deeply_is_broken() -> None:
    frame = ocppj.read('[2,"1","A",{"x":' + "[" * 40 + "]" * 40 + "}]")
    assert isinstance(frame, Broken)
    assert (frame.fault, frame.message_id) == (Fault.FORMAT, "1")


def test_a_broken_answer_is_not_answered() -> None:
    frame = ocppj.read('[3,"1","text"]')
    assert isinstance(frame, Broken)
    assert (frame.message_id, frame.answerable) == ("1", False)


def test_frames_are_written_digit_by_digit_and_in_order() -> None:
    payload = {"z": Decimal("1.10"), "a": "é", "m": [1, None, True]}
    assert ocppj.write_call("1", "A", payload) == '[2,"1","A",{"z":1.10,"a":"\\u00e9","m":[1,null,true]}]'
    assert ocppj.write_result("1", {}) == '[3,"1",{}]'
    assert ocppj.write_error("1", "InternalError", "x" * 300) == f'[4,"1","InternalError","{"x" * 255}",{{}}]'


def test_each_edition_has_its_own_words() -> None:
    assert CODES_16[Fault.FORMAT] == "FormationViolation"
    assert CODES_2X[Fault.FORMAT] == "FormatViolation"
    assert CODES_16[Fault.OCCURRENCE] == "OccurenceConstraintViolation"
    assert CODES_2X[Fault.OCCURRENCE] == "OccurrenceConstraintViolation"
    assert Fault.NO_RPC not in CODES_16
    assert CODES_2X[Fault.NO_RPC] == "RpcFrameworkError"
    assert CODES_2X[Fault.MESSAGE_TYPE] == "MessageTypeNotSupported"
