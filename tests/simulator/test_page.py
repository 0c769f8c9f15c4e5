"""docs/simulator.md says what the simulated charger plays; here it is held to the scripts and to the command line."""

import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bridge_ocpp.simulator import SCRIPTS
from ocpi_hub.cli import simulate

PAGE = (Path(__file__).parent.parent.parent / "docs" / "simulator.md").read_text()


def options(command: str) -> set[str]:
    """The long options that a command of `ocpi-hub simulate` has."""
    group = typer.main.get_command(simulate.app)
    found = group.commands[command].params  # type: ignore[attr-defined]
    return {name for one in found for name in (*one.opts, *one.secondary_opts) if name.startswith("--")}


def test_every_script_stands_in_the_table() -> None:
    rows = [
        f"| `{name}` | {', '.join(version.removeprefix('ocpp') for version in script.versions)} | {script.text} |"
        for name, script in SCRIPTS.items()
    ]
    table = PAGE[PAGE.index("| script | versions |") :].split("\n\n")[0].splitlines()[2:]
    assert table == rows


def test_every_option_that_is_named_exists() -> None:
    there = options("charger") | options("provider")
    elsewhere = {"--limit-a", "--charger"}
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) - elsewhere <= there


def test_every_fault_stands_on_the_page() -> None:
    faults = {"--refuse", "--unable", "--thinks", "--update-ends", "--publish-ends", "--image-in-use", "--swap-ends"}
    assert faults <= options("charger")
    assert all(f"`{fault}" in PAGE for fault in faults)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--protocol", "ocpp1.5"], "ocpp1.5: write one of ocpp1.6, ocpp2.0.1, ocpp2.1"),
        (["--script", "dance"], "dance: write one of charge, offline-charge"),
        (["--script", "contract"], "contract needs --protocol ocpp2.0.1 or ocpp2.1"),
        (["--update-ends", "Well"], "Well: write one of Installed, DownloadFailed"),
        (["--publish-ends", "Well"], "Well: write one of Published, DownloadFailed"),
        (["--swap-ends", "Well"], "Well: write one of BatteryOut, BatteryOutTimeout"),
        (["--refuse", "TxProfil"], "TxProfil: write one of ChargePointMaxProfile"),
        (["--unable", "UsePriorityCharging"], "UsePriorityCharging: ocpp1.6 is asked for CancelReservation"),
        (["--batteries"], "needs --protocol ocpp2.1 and two EVSEs (--evses 2)"),
        (["--contract", "nowhere.pem"], "nowhere.pem: No such file or directory"),
        (["--contract", __file__], "no certificates in PEM"),
        (["--url", "http://x"], "begins with ws:// or wss://"),
    ],
)
def test_what_is_written_wrongly_is_told(words: list[str], says: str) -> None:
    result = CliRunner().invoke(simulate.app, ["charger", "BOX-1", *words], env={"COLUMNS": "1000"})
    assert result.exit_code == 2
    assert says in " ".join(result.output.replace("│", " ").split())


def test_a_provider_that_is_started_wrongly_says_so() -> None:
    result = CliRunner().invoke(simulate.app, ["provider", "--certificates", "lost"], env={"COLUMNS": "1000"})
    assert (result.exit_code, "one of good, revoked, unknown" in result.output) == (2, True)
