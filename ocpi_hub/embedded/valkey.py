"""Valkey under our own supervision, on a private unix socket and without a TCP port.

It carries bells and rumours: it may lose everything, and the debts in PostgreSQL bring the work back.
"""

import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from ocpi_hub.embedded.daemon import Daemon
from ocpi_hub.embedded.processes import Patience


@dataclass
class Valkey(Daemon):
    """One Valkey. `fast` keeps nothing on disk."""

    name = "Valkey"
    patience: ClassVar[Patience] = {signal.SIGTERM: 10.0, signal.SIGKILL: 5.0}
    death_signal = signal.SIGTERM

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket), safe='/')}?db=0"

    @property
    def _socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def arguments(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.home),
            "appendonly": "no" if self.fast else "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        return [part for name, value in settings.items() for part in (f"--{name}", value)]

    def ready(self) -> bool:
        """Whether it has loaded its data and answers a PING."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(2)
                link.connect(str(self._socket))
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
        except OSError:
            return False
