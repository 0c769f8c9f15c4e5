"""Commands and outcomes as JSON, for asking a charger from another process. Explicit and pure; no pickle."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge_ocpp import ocppj
from bridge_ocpp.port import (
    AuthStatus,
    ChargingProfile,
    Command,
    IdToken,
    LocalListEntry,
    Monitor,
    Outcome,
    OutcomeStatus,
    Purpose,
    RateUnit,
    Schedule,
    VariableName,
    VariableSetting,
    Verdict,
    read_profile,
    read_schedule,
    write_profile,
    write_schedule,
)

COMMANDS: Mapping[str, type[Command]] = {
    kind.__name__: kind for kind in Command.__subclasses__() if kind.__module__.startswith("bridge_ocpp.port.")
}
"""Every command of the port; what only the bridge itself says, such as a password that it made, does not travel."""


def _token(value: Any) -> IdToken:
    return IdToken(value["value"], value["type"])


def _verdict(value: Any) -> Verdict:
    expires = value["expires_at"]
    return Verdict(
        AuthStatus(value["status"]),
        _token(value["group"]) if value["group"] is not None else None,
        datetime.fromisoformat(expires) if expires is not None else None,
        value["message"],
        value["master"],
    )


def _entry(value: Any) -> LocalListEntry:
    verdict = value["verdict"]
    return LocalListEntry(_token(value["id_token"]), _verdict(verdict) if verdict is not None else None)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "id_token": _token,
    "group": _token,
    "expires_at": datetime.fromisoformat,
    "names": lambda values: tuple(VariableName(**value) for value in values),
    "settings": lambda values: tuple(VariableSetting(VariableName(**v["name"]), v["value"]) for v in values),
    "entries": lambda values: tuple(_entry(value) for value in values),
    "criteria": tuple,
    "total": lambda value: Decimal(str(value)),
    "ids": tuple,
    "monitors": lambda values: tuple(Monitor(**{**v, "variable": VariableName(**v["variable"])}) for v in values),
    "kinds": tuple,
    **dict.fromkeys(("expires_at", "retrieve_at", "install_at", "since", "until"), datetime.fromisoformat),
    "charging_profile": read_profile,
    "schedule": read_schedule,
    "purpose": Purpose,
    "unit": RateUnit,
    **dict.fromkeys(("amperes", "least"), lambda value: Decimal(str(value))),
}


def write_command(command: Command) -> dict[str, Any]:
    """A command as JSON. Raises KeyError for one that this file does not know."""
    kind = COMMANDS[type(command).__name__]
    return {
        "command": kind.__name__,
        "fields": {field.name: _plain(getattr(command, field.name)) for field in fields(command)},
    }


def read_command(said: Mapping[str, Any]) -> Command:
    """The command again. Raises KeyError or TypeError for what is none."""
    values = {
        name: _READERS[name](value) if name in _READERS and value is not None else value
        for name, value in said["fields"].items()
    }
    return COMMANDS[said["command"]](**values)


def write_outcome(outcome: Outcome) -> str:
    return ocppj.dumps(
        {"status": outcome.status, "detail": outcome.detail, "payload": outcome.payload, "error": outcome.error}
    )


def read_outcome(text: str | bytes) -> Outcome:
    said = ocppj.loads(text.decode() if isinstance(text, bytes) else text)
    return Outcome(OutcomeStatus(said["status"]), said["detail"], said["payload"], said["error"])


def _plain(value: Any) -> Any:
    if isinstance(value, ChargingProfile):
        return write_profile(value)
    if isinstance(value, Schedule):
        return write_schedule(value)
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
