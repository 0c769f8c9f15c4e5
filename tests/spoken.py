"""Which test file really exchanged which OCPP message with the bridge: heard while the tests run, not read off them.

`pytest --record-spoken` writes it into tests/spoken.json, from which docs/ocpp-actions.md is made. Without the option
each file that ran whole, and passed, is held to what spoken.json says of it: a claim that is no longer true fails.
"""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge_ocpp.connection import Connection

KEPT = Path(__file__).with_name("spoken.json")
SIMULATED = "tests/simulator/test_whole.py"
Spoken = set[tuple[str, str, str]]
"""Version, direction (`in`: from the charger), action."""

_UNABLE = ("NotSupported", "NotImplemented")


@contextlib.contextmanager
def listening() -> Iterator[Spoken]:
    """What is exchanged while inside: calls that were answered, and what is only sent."""
    spoken: Spoken = set()
    note_in, note_out = Connection._note_in, Connection._note_out

    def heard(self: Connection, kind: str, message_id: str, payload: Any, *, action: str | None = None) -> None:
        note_in(self, kind, message_id, payload, action=action)
        if action is not None and kind in ("CALLRESULT", "SEND"):
            spoken.add((self.dialect.protocol, "out" if kind == "CALLRESULT" else "in", action))

    def said(self: Connection, kind: str, message_id: str, payload: Any, *, action: str | None = None) -> None:
        note_out(self, kind, message_id, payload, action=action)
        unable = kind == "CALLERROR" and payload["code"] in _UNABLE
        if action is not None and (kind == "CALLRESULT" or unable) and self.edition.has(action):
            spoken.add((self.dialect.protocol, "in", action))

    Connection._note_in, Connection._note_out = heard, said  # type: ignore[method-assign]
    try:
        yield spoken
    finally:
        Connection._note_in, Connection._note_out = note_in, note_out  # type: ignore[method-assign]


def claims() -> dict[str, list[list[str]]]:
    """By test file, what spoken.json says of it."""
    kept: dict[str, list[list[str]]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return kept


BY_THEMSELVES = frozenset(
    (
        *("Heartbeat", "GetBaseReport", "NotifyReport", "GetVariables", "SetVariables", "GetConfiguration"),
        *("ChangeConfiguration", "TriggerMessage", "ClearCache", "SendLocalList", "GetLocalListVersion"),
        *("ChangeAvailability", "SetChargingProfile", "StatusNotification", "MeterValues", "TransactionEvent"),
    )
)
"""What timers say between the hub and a simulated charger, which always answers: now and then, or not at all."""


def missing(name: str, heard: Spoken) -> Spoken:
    """What spoken.json says of a file, and it did not exchange."""
    lost = {(claim[0], claim[1], claim[2]) for claim in claims().get(name, ())} - heard
    simulated = "Simulated" in (KEPT.parent.parent / name).read_text()
    return {claim for claim in lost if not (simulated and claim[2] in BY_THEMSELVES)}


def record(name: str, spoken: Spoken) -> None:
    """Write down what one file of tests/bridge exchanged, or the one about all that the simulated charger can say;
    several test processes may do so at once."""
    if not name.startswith("tests/bridge/") and name != SIMULATED:
        return
    with (KEPT.parent / ".spoken.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = claims()
        kept.pop(name, None)
        if spoken:
            kept[name] = sorted(map(list, spoken))
        KEPT.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n")


class Whole:
    """Knows which files did not run whole: of those nothing can be said."""

    def __init__(self) -> None:
        self.broken: set[str] = set()

    @pytest.hookimpl
    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.broken.update(_file(item) for item in items)

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self.broken.add(Path(report.location[0]).as_posix())


def _file(item: pytest.Item) -> str:
    return Path(item.location[0]).as_posix()
