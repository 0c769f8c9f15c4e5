"""What PostgreSQL and Valkey have in common as processes of ours."""

import signal
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from ocpi_hub.embedded.binaries import Program
from ocpi_hub.embedded.folders import DataFolder
from ocpi_hub.embedded.processes import Patience, PidFile, how_it_ended, spawn, stop_process


@dataclass
class Daemon(ABC):
    """One server in a data folder. `fast` trades the safety of its data for speed: for tests."""

    folder: DataFolder
    program: Program
    sockets: Path
    fast: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    name: ClassVar[str]
    patience: ClassVar[Patience]
    death_signal: ClassVar[signal.Signals]

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    @property
    def log(self) -> Path:
        return self.folder.log_path(self.name.lower())

    @property
    def home(self) -> Path:
        """The folder of its data, its user's alone."""
        return self.folder.path / self.name.lower()

    @property
    def _pid_file(self) -> PidFile:
        return PidFile(self.folder.path / f"{self.name.lower()}.pid")

    def start(self) -> None:
        """Start the server; `ready` says when it answers. What an earlier run left behind is stopped first."""
        self._pid_file.stop_stray(self.patience)
        self.folder.own(self.home.name)
        with self.folder.open_log(self.name.lower()) as log:
            self.process = spawn(
                [self.program.path, *self.arguments()],
                user=self.folder.user,
                folder=self.home,
                log=log,
                death_signal=self.death_signal,
            )
        self._pid_file.write(self.process.pid)

    @abstractmethod
    def arguments(self) -> list[str]:
        """What its program is called with."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers now. A pid is never asked: it may be a zombie's, or somebody else's by now."""

    def hindered(self) -> bool:
        """Whether it ended only because something of an earlier run was still about to end."""
        return False

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def ended(self) -> str | None:
        """How it ended; None while it runs."""
        code = self.process.poll() if self.process else None
        return None if code is None else how_it_ended(code)

    def stop(self) -> None:
        """Stop it, with all the time that it needs to write its data."""
        if self.process is None:
            return
        stop_process(self.process, self.patience)
        if self.process.returncode is not None:
            self.process = None
            self._pid_file.forget()
