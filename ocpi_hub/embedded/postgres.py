"""PostgreSQL under our own supervision: made, started, probed and stopped, straight from its binaries.

It listens on a unix socket in a private folder and nowhere else, so whoever may enter that folder is trusted.
"""

import shutil
import signal
import socket
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from ocpi_hub.embedded.binaries import Binaries
from ocpi_hub.embedded.folders import DataFolder
from ocpi_hub.embedded.processes import EmbeddedError, PidFile, command_of, run, spawn, stop_process, wait_until

ROLE = DATABASE = "ocpi_hub"
_PORT = 5432
_STOP = {signal.SIGINT: 20.0, signal.SIGQUIT: 5.0, signal.SIGKILL: 5.0}
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m ",
}
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


@dataclass
class Postgres:
    """One cluster in a data folder. `fast` trades the safety of its data for speed: for tests."""

    folder: DataFolder
    binaries: Binaries
    sockets: Path
    fast: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    name = "PostgreSQL"

    @property
    def url(self) -> str:
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self.sockets), safe='/')}"

    @property
    def _data(self) -> Path:
        return self.folder.path / "postgresql" / "data"

    @property
    def _pid_file(self) -> PidFile:
        return PidFile(self.folder.path / "postgresql.pid")

    def prepare(self) -> bool:
        """Make the cluster if there is none; True when it was made. Raises EmbeddedError."""
        self.folder.own("postgresql")
        if (self._data / "PG_VERSION").exists():
            self._check_major((self._data / "PG_VERSION").read_text().strip())
            return False
        making = self._data.with_name("data.new")
        shutil.rmtree(making, ignore_errors=True)
        self._tool(
            "initdb", "--pgdata", making, "--username", ROLE, "--auth", "trust", "--encoding", "UTF8",
            "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--data-checksums",
            *(["--no-sync"] if self.fast else []),
        )  # fmt: skip
        self._tool("postgres", "--single", "-D", making, "postgres", text=f"CREATE DATABASE {DATABASE};\n")
        making.rename(self._data)
        return True

    def _tool(self, tool: str, *arguments: str | Path, text: str = "") -> None:
        said = run(
            [self.binaries.pg_bin / tool, *arguments], user=self.folder.user, folder=self._data.parent, text=text
        )
        if said.returncode != 0 or "ERROR:" in said.stderr:
            reason = (said.stderr or said.stdout).strip().splitlines()
            raise EmbeddedError(f"{tool} failed: {reason[-1] if reason else f'exit status {said.returncode}'}")

    def _check_major(self, kept: str) -> None:
        if kept != str(self.binaries.pg_major):
            raise EmbeddedError(
                f"{self._data} was made by PostgreSQL {kept}, and this is {self.binaries.pg_major}: start the old "
                f"server and move the data with `pg_dump -Fc -d DATABASE_OF_{kept} | pg_restore -d NEW_DATABASE`, or "
                f"set OCPI_HUB_PG_BIN to a PostgreSQL {kept}"
            )

    def start(self) -> None:
        """Start the server; `wait` says when it answers. What an earlier run left behind is stopped first."""
        self._pid_file.stop_stray(_STOP)
        self._forget_stale_pid()
        settings = {**_SETTINGS, **(_FAST if self.fast else {}), "unix_socket_directories": str(self.sockets)}
        self.process = spawn(
            [self.binaries.pg_bin / "postgres", "-D", self._data, "-p", str(_PORT)]
            + [part for name, value in settings.items() for part in ("-c", f"{name}={value}")],
            user=self.folder.user,
            folder=self._data.parent,
            log=self.folder.log("postgresql"),
            death_signal=signal.SIGINT,
        )
        self._pid_file.write(self.process.pid)

    def _forget_stale_pid(self) -> None:
        """Remove PostgreSQL's own pid file when no process holds it: a pid used again would stop every start."""
        path = self._data / "postmaster.pid"
        try:
            pid = int(path.read_text().splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return
        if str(self._data) not in command_of(pid):
            path.unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether it takes connections now: asked by a start-up message, as pg_isready does."""
        fields = b"".join(part.encode() + b"\0" for part in ("user", ROLE, "database", DATABASE))
        body = struct.pack("!I", 196608) + fields + b"\0"
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(2)
                link.connect(str(self.sockets / f".s.PGSQL.{_PORT}"))
                link.sendall(struct.pack("!I", len(body) + 4) + body)
                return link.recv(1) == b"R"
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            stop_process(self.process, _STOP)
            self.process = None
        self._pid_file.path.unlink(missing_ok=True)


