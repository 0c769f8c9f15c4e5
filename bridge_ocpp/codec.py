"""Commands and outcomes as JSON, for asking a charger from another process. Explicit and pure; no pickle."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from bridge_ocpp import ocppj
from bridge_ocpp.port import Command, IdToken, Outcome, OutcomeStatus

COMMANDS: Mapping[str, type[Command]] = {kind.__name__: kind for kind in Command.__subclasses__()}
"""Every command of the port."""


def _token(value: Any) -> IdToken:
    return IdToken(value["value"], value["type"])


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "id_token": _token,
    "group": _token,
    "expires_at": datetime.fromisoformat,
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
    if isinstance(value, IdToken):
        return {"value": value.value, "type": value.type}
    return value.isoformat() if isinstance(value, datetime) else value
