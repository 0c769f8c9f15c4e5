"""The OCA's JSON schemas out of the `ocpp` package, compiled once: as they stand for what we send, and opened a
little for what we hear: unknown fields pass, and integers stay within what a database column holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from bridge_ocpp import ocppj

LARGEST = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a payload breaks its schema: the rule's name in JSON Schema, and what the rule says."""

    rule: str
    about: Mapping[str, Any]
    path: tuple[str | int, ...]
    message: str

    @property
    def where(self) -> str:
        """The field, such as `meterValue[].timestamp`."""
        text = "".join("[]" if isinstance(step, int) else f".{step}" for step in self.path)
        return text.lstrip(".") or "payload"


class Schema:
    """One compiled schema."""

    __slots__ = ("_validator",)

    def __init__(self, document: dict[str, Any]) -> None:
        # Times are read by clock.py: a time without a zone is no reason to lose a transaction.
        self._validator = jsonschema_rs.validator_for(document, validate_formats=False)

    def holds(self, payload: Mapping[str, Any]) -> bool:
        return bool(self._validator.is_valid(payload))

    def violations(self, payload: Mapping[str, Any]) -> list[Violation]:
        return [
            Violation(error.kind.name, error.kind.as_dict(), tuple(error.instance_path), error.message)
            for error in self._validator.iter_errors(payload)
        ]


@dataclass(frozen=True, slots=True)
class Edition:
    """Where the schemas of one version stand in the package, and what it appends to the name of a request."""

    folder: str
    request_suffix: str

    def knows(self, action: str) -> bool:
        return action in _actions(self)

    def has(self, action: str) -> bool:
        """Whether the version has it at all, answered or not."""
        return action in _actions(self) or action in _sends(self)

    @property
    def actions(self) -> frozenset[str]:
        """Every action that has a request and a response."""
        return _actions(self)

    @property
    def unanswered(self) -> frozenset[str]:
        """Every action that is only sent."""
        return _sends(self)

    def send_heard(self, action: str) -> Schema:
        return _compiled(self.folder, action, True)

    def request_heard(self, action: str) -> Schema:
        return _compiled(self.folder, action + self.request_suffix, True)

    def request_sent(self, action: str) -> Schema:
        return _compiled(self.folder, action + self.request_suffix, False)

    def response_heard(self, action: str) -> Schema:
        return _compiled(self.folder, action + "Response", True)

    def response_sent(self, action: str) -> Schema:
        return _compiled(self.folder, action + "Response", False)


@cache
def _actions(edition: Edition) -> frozenset[str]:
    names = {entry.name.removesuffix(".json") for entry in (files("ocpp") / edition.folder / "schemas").iterdir()}
    return frozenset(
        name.removesuffix(edition.request_suffix)
        for name in names
        if name.endswith(edition.request_suffix) and f"{name.removesuffix(edition.request_suffix)}Response" in names
    )


@cache
def _sends(edition: Edition) -> frozenset[str]:
    names = {entry.name.removesuffix(".json") for entry in (files("ocpp") / edition.folder / "schemas").iterdir()}
    suffixes = ("Response", edition.request_suffix)
    return frozenset(name for name in names if edition.request_suffix and not name.endswith(suffixes))


@cache
def _compiled(folder: str, name: str, heard: bool) -> Schema:
    text = (files("ocpp") / folder / "schemas" / f"{name}.json").read_text(encoding="utf-8-sig")
    document = ocppj.loads(text)
    return Schema(_opened(document) if heard else document)


def _opened(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_opened(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    opened = {key: _opened(value) for key, value in schema.items() if (key, value) != ("additionalProperties", False)}
    if opened.get("type") == "integer":
        opened.setdefault("minimum", -LARGEST)
        opened.setdefault("maximum", LARGEST)
    return opened
