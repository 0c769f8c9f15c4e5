"""Writes docs/ocpp-actions.md: `python docs/build_actions.py`.

Every action that the schemas of a version have, in each direction, with the file that handles it and the test files
that really exchange it (tests/spoken.json, written by `pytest --record-spoken`). Nothing is written by hand.
"""

import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from bridge_ocpp.dialects import DIALECTS
from bridge_ocpp.dialects.words import Dialect, Inbound
from bridge_ocpp.schemas import Edition
from bridge_ocpp.simulator import ANSWERS

ROOT = Path(__file__).parent.parent
PAGE = Path(__file__).with_name("ocpp-actions.md")
SPOKEN = ROOT / "tests" / "spoken.json"
SIMULATED = "tests/simulator/test_whole.py"
"""Where the simulated charger says all that it can."""

FROM_CHARGER = frozenset(
    [
        "Authorize",
        "BatterySwap",
        "BootNotification",
        "ClearedChargingLimit",
        "ClosePeriodicEventStream",
        "DataTransfer",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Get15118EVCertificate",
        "GetCertificateChainStatus",
        "GetCertificateStatus",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDERAlarm",
        "NotifyDERStartStop",
        "NotifyDisplayMessages",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyPeriodicEventStream",
        "NotifyPriorityCharging",
        "NotifyReport",
        "NotifySettlement",
        "OpenPeriodicEventStream",
        "PublishFirmwareStatusNotification",
        "PullDynamicScheduleUpdate",
        "ReportChargingProfiles",
        "ReportDERControl",
        "ReservationStatusUpdate",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        "TransactionEvent",
        "VatNumberValidation",
    ]
)
"""What chargers say, by the specifications; all else is asked of them. DataTransfer goes both ways."""
BOTH_WAYS = frozenset({"DataTransfer"})

INTRO = """# OCPP, action by action

Made by `docs/build_actions.py` from the schemas and the dialects' tables; a test compares. *Tested in* is not read off
the tests but heard while they run (`tests/spoken.py`): a file that no longer exchanges what stands here fails.

- *From the charger*: the file that reads it; what is not handled is answered by `NotSupported`.
- *The simulated charger*: heard in a test that has it say everything at a real hub, and read off its table of answers.
- *To the charger*: the command of `bridge_ocpp/port/` that asks it, and the file that words it. *Any call* is
  `POST /admin/v1/chargers/{id}/calls`, which sends every action of the version spoken, validated by its schema.
"""


def build() -> str:
    """The page."""
    return INTRO + "".join(_chapter(dialect) for dialect in reversed(DIALECTS.values()))


def _chapter(dialect: Dialect) -> str:
    edition = Edition(dialect.schema_folder, dialect.request_suffix)
    spoken = _spoken(dialect.protocol)
    said = sorted(a for a in edition.actions if a in FROM_CHARGER) + sorted(edition.unanswered)
    asked = sorted(a for a in edition.actions if a not in FROM_CHARGER or a in BOTH_WAYS)
    lines = [
        f"\n## {dialect.protocol.removeprefix('ocpp')}\n",
        "| from the charger | handled in | tested in |",
        "|---|---|---|",
    ]
    handled = {**dialect.inbound, **dialect.sends}
    lines += [f"| {a} | {_read_in(handled.get(a))} | {_files(spoken, 'in', a)} |" for a in said]
    lines += ["", "| to the charger | asked by | tested in |", "|---|---|---|"]
    lines += [f"| {a} | {_asked_by(dialect, a)} | {_files(spoken, 'out', a)} |" for a in asked]
    lines += ["", _simulated(dialect.protocol, said, asked)]
    return "\n".join(lines) + "\n"


def _simulated(protocol: str, said: list[str], asked: list[str]) -> str:
    """What of all that the simulated charger does: heard in its test, and read off its tables."""
    spoken = {action for name, way, action in _claims(protocol) if (name, way) == (SIMULATED, "in")}
    silent, deaf = sorted(set(said) - spoken), sorted(set(asked) - set(ANSWERS[protocol]))
    says = f"says all of the first table but {', '.join(silent)}" if silent else "says all of the first table"
    answers = f"acts on all of the second but {', '.join(deaf)}" if deaf else "acts on all of the second"
    return f"The [simulated charger](simulator.md) {says}, and {answers}."


def _read_in(inbound: Inbound | None) -> str:
    return "not: `NotSupported`" if inbound is None else f"`{_file_of(inbound.read)}`"


def _asked_by(dialect: Dialect, action: str) -> str:
    typed = [
        f"{command.__name__} (`{_file_of(outbound.say)}`)"
        for command, outbound in dialect.outbound.items()
        if outbound.action == action
    ]
    return " · ".join(typed) if typed else "any call"


def _file_of(function: object) -> str:
    path = Path(inspect.getsourcefile(inspect.unwrap(function)) or "")  # type: ignore[arg-type]
    return path.relative_to(ROOT / "bridge_ocpp").as_posix()


def _spoken(protocol: str) -> Mapping[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for name, direction, action in _claims(protocol):
        found.setdefault((direction, action), []).append(name)
    return found


def _claims(protocol: str) -> Iterator[tuple[str, str, str]]:
    for name, spoken in json.loads(SPOKEN.read_text()).items():
        yield from ((name, direction, action) for version, direction, action in spoken if version == protocol)


def _files(spoken: Mapping[tuple[str, str], list[str]], direction: str, action: str) -> str:
    names = sorted(spoken.get((direction, action), ()), key=_nearness)
    shown = [f"`{name.removeprefix('tests/').removesuffix('.py')}`" for name in names[:2]]
    return ", ".join(shown) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def _nearness(name: str) -> tuple[bool, bool, str]:
    """The tests of the bridge first, and after all others the one that says everything."""
    return name.endswith("test_every_action.py"), not name.startswith("tests/bridge/"), name


if __name__ == "__main__":
    PAGE.write_text(build())
    print(f"{PAGE.name} is written")
