"""PostgreSQL under our own supervision: made, started and probed, straight from its programs.

It listens on a unix socket in a private folder and nowhere else, so whoever may enter that folder is trusted.
"""

import shutil
import signal
import socket
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from ocpi_hub.embedded.daemon import Daemon
from ocpi_hub.embedded.processes import EmbeddedError, Patience, command_of, exists, how_it_ended, run

_ROLE = _DATABASE = "ocpi_hub"
_PORT = 5432
_SOCKET = f".s.PGSQL.{_PORT}"
_PROTOCOL = 3 << 16

# The log is there for its errors; a statement or a key in it could name a driver.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


@dataclass
class Postgres(Daemon):
    """One cluster with one role and one database. `fast` does not wait for the disk."""

    name = "PostgreSQL"
    patience: ClassVar[Patience] = {signal.SIGINT: 20.0, signal.SIGQUIT: 5.0, signal.SIGKILL: 5.0}
    death_signal = signal.SIGINT  # a fast shutdown

    @property
    def url(self) -> str:
        return f"postgresql://{_ROLE}@/{_DATABASE}?host={quote(str(self.sockets), safe='/')}"

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def exists(self) -> bool:
        """Whether the cluster was made already. Raises EmbeddedError when another PostgreSQL made it."""
        if not self._data.exists():
            return False
        kept = (self._data / "PG_VERSION").read_text().strip()
        ours = self.program.version.partition(".")[0]
        if kept != ours:
            raise EmbeddedError(self._how_to_move(kept, ours))
        return True

    def make(self) -> None:
        """Make the cluster, whole or not at all, with one role and one database. Raises EmbeddedError."""
        self.folder.own(self.home.name)
        making = self._data.with_name("data.new")
        shutil.rmtree(making, ignore_errors=True)
        self._tool(
            "initdb", "--pgdata", making, "--username", _ROLE, "--auth", "trust", "--encoding", "UTF8",
            "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--data-checksums",
            *(["--no-sync"] if self.fast else []),
        )  # fmt: skip
        # renamed, and not a second one: that would copy a thousand files
        rename = f"ALTER DATABASE postgres RENAME TO {_DATABASE};\n"
        self._tool("postgres", "--single", "-D", making, "template1", text=rename)
        making.rename(self._data)

    def _tool(self, tool: str, *arguments: str | Path, text: str = "") -> None:
        program = self.program.path.with_name(tool)
        try:
            said = run([program, *arguments], user=self.folder.user, folder=self.home, text=text)
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedError(f"{tool} could not run: {error}") from error
        if said.returncode != 0 or "ERROR:" in said.stderr:
            words = (said.stderr or said.stdout).strip() or how_it_ended(said.returncode)
            raise EmbeddedError(f"{tool} failed: {' / '.join(words.splitlines()[-3:])}")

    def _how_to_move(self, kept: str, ours: str) -> str:
        reach = f"-h {self.sockets} -U {_ROLE}"
        return (
            f"{self._data} was made by PostgreSQL {kept}, and this is {ours}: set OCPI_HUB_PG_BIN to the programs of a "
            f"PostgreSQL {kept} and start again; to move, `pg_dump -Fc {reach} {_DATABASE} > hub.dump` then, stop, "
            f"move {self._data} away, start with {ours}, and `pg_restore --clean {reach} -d {_DATABASE} hub.dump`"
        )

    def start(self) -> None:
        """Start the server, after removing PostgreSQL's own lock files when they name somebody else's process.

        A dead pid in them PostgreSQL handles itself; one that is used again, or a zombie's, would stop every start.
        """
        for lock in (self._data / "postmaster.pid", self.sockets / f"{_SOCKET}.lock"):
            pid = lock.read_text().partition("\n")[0].strip() if lock.exists() else ""
            if pid.isdigit() and exists(int(pid)) and str(self._data) not in command_of(int(pid)):
                lock.unlink(missing_ok=True)
        super().start()

    def hindered(self) -> bool:
        """Backends outlive a killed postmaster for a moment, and hold the memory that they shared with it."""
        return "still in use" in self.last_words()

    def last_words(self) -> str:
        """The last complaint, which "database system is shut down" follows."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        complaints = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
        return (complaints or lines or ["it said nothing"])[-1]

    def arguments(self) -> list[str]:
        settings = {**_SETTINGS, **(_FAST if self.fast else {}), "unix_socket_directories": str(self.sockets)}
        where = ["-D", str(self._data), "-p", str(_PORT)]
        return where + [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def ready(self) -> bool:
        """Whether it takes connections now: asked by a start-up message, as pg_isready does."""
        fields = b"".join(part.encode() + b"\0" for part in ("user", _ROLE, "database", _DATABASE))
        body = struct.pack("!I", _PROTOCOL) + fields + b"\0"
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(2)
                link.connect(str(self.sockets / _SOCKET))
                link.sendall(struct.pack("!I", len(body) + 4) + body)
                accepted = link.recv(4096).startswith(b"R")
                if accepted:
                    link.sendall(b"X\0\0\0\4")  # goodbye
                return accepted
        except OSError:
            return False
