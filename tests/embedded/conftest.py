"""A hub of toys as a real process, for root and for an ordinary user, and what the system knows of its processes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ocpi_hub.embedded.processes import User, can, server_user, started_at, wait_until
from tests.conftest import quick_place

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0
NOBODY = server_user("nobody")

root_only = pytest.mark.skipif(not AS_ROOT, reason="only root can drop to another user")


@pytest.fixture
def place() -> Iterator[Path]:
    """A short folder that everybody may enter."""
    with _place() as folder:
        yield folder


@contextmanager
def _place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hub-", dir=quick_place()))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stat_of(pid: int) -> list[str]:
    """State, parent and so on of a process, from its /proc/PID/stat; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def below(pid: int) -> set[int]:
    """Every descendant of a process, zombies too."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    parents = {number: int(fields[1]) for number in numbers if (fields := stat_of(number))}
    found = {pid}
    while new := {child for child, parent in parents.items() if parent in found} - found:
        found |= new
    return found - {pid}


def processes_below(pid: int) -> dict[int, str]:
    """Every living descendant of a process, with its start time."""
    return {child: since for child in below(pid) if (since := started_at(child))}


def still_running(processes: dict[int, str]) -> set[int]:
    return {pid for pid, since in processes.items() if started_at(pid) == since}


@dataclass
class Hub:
    """One `serve` of toys. `out` is what it has said so far."""

    folder: Path
    user: User | None = None
    settings: dict[str, str] = field(default_factory=dict)
    command: Sequence[str] = ()
    before_exec: Callable[[], None] | None = None
    out: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> "Hub":
        (self.folder / "toys").mkdir(exist_ok=True)
        if self.user is not None:
            os.chown(self.folder, self.user.uid, self.user.gid)
            os.chown(self.folder / "toys", self.user.uid, self.user.gid)
        own = {
            "OCPI_HUB_DATA_DIR": str(self.data),
            "OCPI_HUB_LOG_FORMAT": "json",
            "OCPI_HUB_PORT": "0",
            "TOYS": str(self.folder / "toys"),
        }
        user = {"TOY_USER": self.user.name} if self.user else {}
        self.out = []
        self.process = subprocess.Popen(
            [*self.command, sys.executable, "-m", "tests.embedded.toys"], preexec_fn=self.before_exec,
            cwd=ROOT, env={**os.environ, **own, **user, **self.settings},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()
        return self

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.out.append(line.rstrip("\n"))

    def ready(self) -> float:
        """Start, wait until it is ready, and say how many seconds that took."""
        before = time.monotonic()
        self.start()
        self.until(lambda: "ready" in self.out or self.has_ended())
        assert "ready" in self.out, "\n".join(self.out)
        return time.monotonic() - before

    def until(self, reached: Callable[[], bool], *, within: float = 60) -> None:
        assert wait_until(reached, within=within), "\n".join(self.out)

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def says(self, words: str) -> None:
        self.until(lambda: any(words in line for line in self.out))

    def ends(self, *, within: float = 60) -> int:
        """The exit status, once it has ended by itself."""
        assert self.process is not None
        return self.process.wait(within)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        os.kill(self.pid, number)
        return self.ends()

    def end(self) -> None:
        """Stop it if it still runs."""
        if self.process is not None and not self.has_ended():
            os.kill(self.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            self.process.kill()
            self.process.wait()

    def started(self, part: str) -> list[int]:
        """The pids that a part has had, oldest first."""
        path = self.folder / "toys" / f"{part}.started"
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    def server_pid(self, name: str) -> int:
        return int((self.data / f"{name}.pid").read_text().split()[0])


@pytest.fixture
def hub(place: Path) -> Iterator[Hub]:
    """A hub of the user who runs the tests; not yet started."""
    hub = Hub(place)
    yield hub
    hub.end()


@pytest.fixture(params=["root", "user"] if AS_ROOT else ["user"])
def any_hub(request: pytest.FixtureRequest, place: Path) -> Iterator[Hub]:
    """A hub of root, and one of an ordinary user; nothing is made yet, nothing started."""
    hub = Hub(place, user=NOBODY if AS_ROOT and request.param == "user" else None)
    if hub.user is not None and not can(hub.user, lambda: os.access(ROOT / "migrations" / "env.py", os.R_OK)):
        pytest.skip(f"{hub.user.name} may not read this checkout")
    yield hub
    hub.end()


@pytest.fixture(scope="module")
def running_hub() -> Iterator[Hub]:
    """A hub that runs, for tests that leave it running."""
    with _place() as folder:
        hub = Hub(folder, settings=RUNNING)
        hub.ready()
        yield hub
        hub.end()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


PORT = free_port()
RUNNING = {
    "OCPI_HUB_PORT": str(PORT),
    "OCPI_HUB_PUBLIC_URL": "https://hub.example.com",
    "OCPI_HUB_ADMIN_KEY": "operator",
    "OCPI_HUB_PARTNER_NETWORKS": "10.0.0.0/8",
}
