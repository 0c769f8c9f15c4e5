"""Valkey under our own supervision, on a private unix socket and without a TCP port.

It carries bells and rumours: it may lose everything, and the debts in PostgreSQL bring the work back.
"""

import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from ocpi_hub.embedded.binaries import Binaries
from ocpi_hub.embedded.folders import DataFolder
from ocpi_hub.embedded.processes import PidFile, spawn, stop_process

_STOP = {signal.SIGTERM: 10.0, signal.SIGKILL: 5.0}


@dataclass
class Valkey:
    """One Valkey in a data folder. `fast` keeps nothing on disk: for tests."""

    folder: DataFolder
    binaries: Binaries
    sockets: Path
    fast: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    name = "Valkey"

    @property
    def _socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def _pid_file(self) -> PidFile:
        return PidFile(self.folder.path / "valkey.pid")

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket), safe='/')}?db=0"

    def prepare(self) -> bool:
        self.folder.own("valkey")
        return False

    def start(self) -> None:
        """Start the server; `answers` says when it is ready. What an earlier run left behind is stopped first."""
        self._pid_file.stop_stray(_STOP)
        self._socket.unlink(missing_ok=True)
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.folder.path / "valkey"),
            "appendonly": "no" if self.fast else "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        self.process = spawn(
            [self.binaries.valkey_server, *(part for name, value in settings.items() for part in (f"--{name}", value))],
            user=self.folder.user,
            folder=self.folder.path / "valkey",
            log=self.folder.log("valkey"),
            death_signal=signal.SIGTERM,
        )
        self._pid_file.write(self.process.pid)

    def answers(self) -> bool:
        """Whether it has loaded its data and answers."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(2)
                link.connect(str(self._socket))
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            stop_process(self.process, _STOP)
            self.process = None
        self._pid_file.path.unlink(missing_ok=True)
