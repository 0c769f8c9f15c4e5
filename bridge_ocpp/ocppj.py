"""OCPP-J: the frames on the wire, read leniently and written strictly, and the error codes of each edition. Pure.

CALL, CALLRESULT and CALLERROR since 1.6; since 2.1 also SEND, which is never answered, and CALLRESULTERROR.

Numbers with a point are Decimal both ways. What the payloads mean is the dialects' business.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import Any

import simplejson

CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND = 2, 3, 4, 5, 6
TYPES = frozenset({CALL, CALLRESULT, CALLERROR})
TYPES_21 = TYPES | {CALLRESULTERROR, SEND}
"""OCPP 2.1, part 4, 4.1.3."""
LONGEST_ID = 36
LONGEST_DESCRIPTION = 255
DEEPEST = 32
"""Levels that a frame may be nested; the deepest message of OCPP has eight."""


class Fault(Enum):
    """What can be wrong with a call; each edition of OCPP-J has a word of its own for it, or none."""

    NOT_IMPLEMENTED = auto()
    NOT_SUPPORTED = auto()
    INTERNAL = auto()
    PROTOCOL = auto()
    SECURITY = auto()
    FORMAT = auto()
    PROPERTY = auto()
    OCCURRENCE = auto()
    TYPE = auto()
    GENERIC = auto()
    NO_RPC = auto()
    MESSAGE_TYPE = auto()


CODES_16: Mapping[Fault, str] = {
    Fault.NOT_IMPLEMENTED: "NotImplemented",
    Fault.NOT_SUPPORTED: "NotSupported",
    Fault.INTERNAL: "InternalError",
    Fault.PROTOCOL: "ProtocolError",
    Fault.SECURITY: "SecurityError",
    Fault.FORMAT: "FormationViolation",
    Fault.PROPERTY: "PropertyConstraintViolation",
    Fault.OCCURRENCE: "OccurenceConstraintViolation",  # so spelled in OCPP-J 1.6, 4.2.3
    Fault.TYPE: "TypeConstraintViolation",
    Fault.GENERIC: "GenericError",
}
"""OCPP-J 1.6, 4.2.3. It has no word for a frame that is no call: such a frame is ignored."""

CODES_2X: Mapping[Fault, str] = {
    **CODES_16,
    Fault.FORMAT: "FormatViolation",
    Fault.OCCURRENCE: "OccurrenceConstraintViolation",
    Fault.NO_RPC: "RpcFrameworkError",
    Fault.MESSAGE_TYPE: "MessageTypeNotSupported",
}
"""OCPP 2.0.1, part 4, 4.3."""


@dataclass(frozen=True, slots=True)
class Call:
    message_id: str
    action: str
    payload: dict[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallResult:
    message_id: str
    payload: dict[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallError:
    message_id: str
    code: str
    description: str
    details: Any
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Send:
    """A message that is never answered, not even by an error."""

    message_id: str
    action: str
    payload: dict[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResultError:
    """The other side could not make sense of our CALLRESULT. It is never answered."""

    message_id: str
    code: str
    description: str
    details: Any
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """Text that is no frame. `message_id` where one could be read; `fault` says what an answer would say, if any."""

    fault: Fault
    reason: str
    message_id: str | None = None
    answerable: bool = True


Frame = Call | CallResult | CallError | Send | ResultError | Broken

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNSTORABLE_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)
_encoder = simplejson.JSONEncoder(use_decimal=True, separators=(",", ":"), allow_nan=False)


def loads(text: str) -> Any:
    """JSON with Decimals. Raises ValueError for anything else, however deep or large it is."""
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dumps(value: Any) -> str:
    """JSON with Decimals digit by digit, keys in their order."""
    return str(_encoder.encode(value))


def read(text: str, *, types: frozenset[int] = TYPES) -> Frame:
    """The frame in a WebSocket text message. Never raises: what is no frame of these `types` is Broken."""
    try:
        frame = loads(text)
    except ValueError as error:
        return Broken(Fault.NO_RPC, f"not JSON: {error}"[:LONGEST_DESCRIPTION])
    if not isinstance(frame, list) or len(frame) < 2:
        return Broken(Fault.NO_RPC, "not an array of a message type, a message id and more")
    if text.count("{") + text.count("[") > DEEPEST and _is_deeper(frame, DEEPEST):
        return Broken(Fault.FORMAT, "nested too deeply", frame[1] if isinstance(frame[1], str) else None)
    notes: list[str] = []
    if _UNSTORABLE_ESCAPE.search(text):
        frame = storable(frame)
        notes.append("frame: characters that cannot be stored")
    kind, message_id, *rest = frame
    if isinstance(message_id, int) and not isinstance(message_id, bool):
        message_id = str(message_id)
        notes.append("frame: a number as message id")
    if not isinstance(message_id, str):
        return Broken(Fault.NO_RPC, "the message id is not a string")
    if len(message_id) > LONGEST_ID:
        notes.append("frame: a message id over 36 characters")
    if isinstance(kind, str) and kind.isascii() and kind.isdigit():
        kind = int(kind[:2])
        notes.append("frame: a string as message type")
    reader = _READERS.get(kind) if type(kind) is int and kind in types else None
    if reader is None:
        return Broken(Fault.MESSAGE_TYPE, f"message type {str(kind)[:20]!r} is not known", message_id)
    if len(rest) > _PARTS[kind]:
        notes.append("frame: more than belongs into it")
    return reader(message_id, rest, notes)


def _call(message_id: str, rest: list[Any], notes: list[str]) -> Frame:
    if not rest or not isinstance(rest[0], str):
        return Broken(Fault.FORMAT, "a CALL names its action by a string", message_id)
    payload = _payload(rest[1:], notes)
    if payload is None:
        return Broken(Fault.FORMAT, "the payload of a CALL is an object", message_id)
    return Call(message_id, rest[0], payload, tuple(notes))


def _result(message_id: str, rest: list[Any], notes: list[str]) -> Frame:
    payload = _payload(rest, notes)
    if payload is None:
        return Broken(Fault.FORMAT, "the payload of a CALLRESULT is an object", message_id, answerable=False)
    return CallResult(message_id, payload, tuple(notes))


def _send(message_id: str, rest: list[Any], notes: list[str]) -> Frame:
    payload = _payload(rest[1:], notes)
    if not rest or not isinstance(rest[0], str) or payload is None:
        reason = "a SEND has a string that names its action, and an object"
        return Broken(Fault.FORMAT, reason, message_id, answerable=False)
    return Send(message_id, rest[0], payload, tuple(notes))


def _error(message_id: str, rest: list[Any], notes: list[str]) -> Frame:
    return CallError(message_id, *_error_parts("CALLERROR", rest, notes), tuple(notes))


def _result_error(message_id: str, rest: list[Any], notes: list[str]) -> Frame:
    return ResultError(message_id, *_error_parts("CALLRESULTERROR", rest, notes), tuple(notes))


def _error_parts(kind: str, rest: list[Any], notes: list[str]) -> tuple[str, str, Any]:
    code, description, details = (*rest, None, None, None)[:3]
    if not isinstance(code, str):
        notes.append(f"{kind}: no error code")
    return (
        code if isinstance(code, str) else "GenericError",
        description if isinstance(description, str) else "",
        details if details is not None else {},
    )


_PARTS = {CALL: 2, CALLRESULT: 1, CALLERROR: 3, CALLRESULTERROR: 3, SEND: 2}
"""What each frame has after its message id."""
_READERS = {CALL: _call, CALLRESULT: _result, CALLERROR: _error, CALLRESULTERROR: _result_error, SEND: _send}


def _payload(rest: list[Any], notes: list[str]) -> dict[str, Any] | None:
    if rest and isinstance(rest[0], dict):
        return rest[0]
    if not rest or rest[0] in (None, []):
        notes.append("frame: no payload object")
        return {}
    return None


def _is_deeper(value: Any, levels: int) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in items if isinstance(item, dict | list))


def storable(value: Any) -> Any:
    """The value without NUL and lone surrogates, which no text in PostgreSQL may hold."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value.replace("\x00", ""))
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value


def write_call(message_id: str, action: str, payload: Mapping[str, Any]) -> str:
    return dumps([CALL, message_id, action, payload])


def write_result(message_id: str, payload: Mapping[str, Any]) -> str:
    return dumps([CALLRESULT, message_id, payload])


def write_error(message_id: str, code: str, description: str) -> str:
    return dumps([CALLERROR, message_id, code, description[:LONGEST_DESCRIPTION], {}])


def write_result_error(message_id: str, code: str, description: str) -> str:
    return dumps([CALLRESULTERROR, message_id, code, description[:LONGEST_DESCRIPTION], {}])
