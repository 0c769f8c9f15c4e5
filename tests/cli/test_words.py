"""What the command line says: help with an example everywhere, and one sentence that names the field when it fails."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ocpi_hub.cli import app
from ocpi_hub.cli.output import print_table

ROOT = Path(__file__).resolve().parent.parent.parent


def run(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "ocpi_hub.cli", *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


def every_command(command, path=()):
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from every_command(inner, (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in every_command(typer.main.get_command(app))], ids=" ".join)
def test_help_has_an_example(path):
    commands = dict(every_command(typer.main.get_command(app)))
    assert (commands[path].epilog or "").startswith("Example: ocpi-hub ") or "Example: OCPI_HUB" in commands[
        path
    ].epilog


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("charger", "add", "BAD ID/x"), "id"),
        (
            ("charger", "add", "BOX-9", "--password", "short"),
            "password: must be 8 to 64 printable ASCII characters without spaces",
        ),
        (("partner", "invite", ""), "name"),
        (("partner", "invite", "Foo", "--party", "DE/APPP/EMSP"), "party_id"),
    ],
)
def test_a_wrong_value_is_told_by_its_field(words, named):
    result = run(*words)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("ocpi-hub: ")
    assert named in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("partner", "invite", "Foo", "--party", "DE"),
        ("simulate", "charger", "B", "--url", "http://127.0.0.1:9"),
        ("simulate", "cpo", "--party", "nonsense"),
        ("simulate", "emsp", "--start", "NL/HUB"),
        ("simulate", "emsp", "--start", "NLD/HUB/LOC1"),
        ("simulate", "emsp", "--once"),
        ("charger", "call", "B", "Reset", "{"),
        ("nothing",),
    ],
)
def test_wrong_use_is_exit_status_2(words):
    assert run(*words).returncode == 2


def test_a_wrong_setting_is_told_by_its_name():
    result = run("settings", OCPI_HUB_PORT="high")
    assert (result.returncode, result.stderr) == (1, "ocpi-hub: OCPI_HUB_PORT: must be a whole number\n")


def test_settings_prints_all_and_masks_secrets():
    result = run("settings", OCPI_HUB_ADMIN_KEY="very-secret-admin-key", OCPI_HUB_PARTY_ID="ABC")
    assert result.returncode == 0
    assert "very-secret" not in result.stdout
    assert "OCPI_HUB_PARTY_ID=ABC" in result.stdout


def test_a_table_that_the_terminal_is_too_narrow_for_is_a_block_a_row(capsys, monkeypatch):
    rows = [("5f4dcc3b-5aa7-65d6-1d83-27deb882cf99", "GreenApp", "CONNECTED", "DE/APP EMSP"), ("short", "B", "", None)]
    columns = ("id", "partner", "status", "parties")
    monkeypatch.setenv("COLUMNS", "50")
    print_table(columns, rows, empty="")
    said = capsys.readouterr().out.splitlines()
    assert said[:4] == [
        "id       5f4dcc3b-5aa7-65d6-1d83-27deb882cf99",
        "partner  GreenApp",
        "status   CONNECTED",
        "parties  DE/APP EMSP",
    ]
    assert "status" not in "".join(said[4:])
    monkeypatch.setenv("COLUMNS", "120")
    print_table(columns, rows, empty="")
    assert (
        len([line for line in capsys.readouterr().out.splitlines() if "CONNECTED" in line and "GreenApp" in line]) == 1
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_bare_make_says_what_can_be_made_and_starts_nothing():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    said = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, timeout=20).stdout
    assert [line.split()[1] for line in said.splitlines() if line.startswith("make ")] == targets[1:]
