"""Child processes that can neither outlive us nor be taken for somebody else's.

The only place that forks for a server, drops root, and reads what the system knows of a process. It knows
nothing of PostgreSQL, Valkey or the hub.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class EmbeddedError(Exception):
    """An embedded server cannot do what is asked; the message is one sentence with the way out."""


@dataclass(frozen=True, slots=True)
class User:
    """The unprivileged user that servers run as when we are root."""

    name: str
    uid: int
    gid: int


def server_user(name: str) -> User | None:
    """The user to drop to: `name` when we are root, None (ourselves) otherwise. Never creates a user."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise EmbeddedError(
            f"the user {name!r} does not exist: set OCPI_HUB_EMBEDDED_USER to an existing unprivileged user"
        ) from None
    if entry.pw_uid == 0:
        raise EmbeddedError("PostgreSQL refuses to run as root: set OCPI_HUB_EMBEDDED_USER to an unprivileged user")
    return User(name, entry.pw_uid, entry.pw_gid)


def die_with_parent(parent: int, signal_number: int) -> None:
    """Ask the kernel to send us this signal when our parent is gone. Call in the child, after dropping root.

    The signal follows the *thread* that forked, so servers are started from a main thread. Only Linux can do
    this; elsewhere the next start stops what the last one left (see `stop_stray`).
    """
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def spawn(
    argv: Sequence[str | Path], *, user: User | None, folder: Path, log: Path, death_signal: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start a server in a process group of its own, with nothing of our environment, its output appended to `log`."""
    parent = os.getpid()
    try:
        with log.open("ab") as out:
            return subprocess.Popen(
                [os.fspath(part) for part in argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=_environment(),
                process_group=0,
                preexec_fn=lambda: die_with_parent(parent, death_signal),  # noqa: PLW1509 - see die_with_parent
                **_as_user(user),
            )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedError(f"{Path(argv[0]).name} could not be started: {error}") from error


def run(
    argv: Sequence[str | Path], *, user: User | None, folder: Path, text: str = "", within: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a server's tool to its end and return what it said. Raises OSError when it cannot be started."""
    parent = os.getpid()
    return subprocess.run(
        [os.fspath(part) for part in argv],
        input=text,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=within,
        check=False,
        cwd=folder,
        env=_environment(),
        process_group=0,
        preexec_fn=lambda: die_with_parent(parent, signal.SIGKILL),  # noqa: PLW1509 - see die_with_parent
        **_as_user(user),
    )


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _as_user(user: User | None) -> dict[str, object]:
    return {} if user is None else {"user": user.uid, "group": user.gid, "extra_groups": []}


def can(user: User | None, check: Callable[[], bool]) -> bool:
    """Whether `check()` holds for that user, asked of the kernel in a short-lived child that became that user."""
    if user is None:
        return check()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(user.gid)
            os.setuid(user.uid)
            os._exit(0 if check() else 1)
        except BaseException:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def started_at(pid: int) -> str | None:
    """When the process started, as text that no other process with this pid will ever have; None: no such process.

    A zombie counts as gone: it holds nothing any more.
    """
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return None
        return None if fields[0] in ("Z", "X") else f"{boot}/{fields[19]}"
    listed = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    state, _, since = listed.stdout.strip().partition(" ")
    return since.strip() if since and not state.startswith("Z") else None


def command_of(pid: int) -> str:
    """The command line of a process, empty when it is gone or a zombie."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            return ""
    return subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S603, S607
        capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip


def wait_until(reached: Callable[[], bool], *, within: float, every: float = 0.01) -> bool:
    """Look again and again until it is so; False when it is not within that many seconds."""
    end = time.monotonic() + within
    while not reached():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


def stop_process(process: subprocess.Popen[bytes], signals: Mapping[signal.Signals, float]) -> None:
    """Send each signal in turn, giving the process that many seconds to end, and reap it."""
    for number, seconds in signals.items():
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            continue
    process.wait(timeout=10)


@dataclass(frozen=True, slots=True)
class PidFile:
    """Which process we started, by pid and start time, so that a pid used again is never taken for ours."""

    path: Path

    def write(self, pid: int) -> None:
        self.path.write_text(f"{pid} {started_at(pid) or ''}\n")

    def running(self) -> int | None:
        """The pid of the process that this file names, when it still runs."""
        try:
            pid, _, since = self.path.read_text().strip().partition(" ")
        except FileNotFoundError:
            return None
        if not pid.isdigit() or not since or started_at(int(pid)) != since:
            return None
        return int(pid)

    def stop_stray(self, signals: Mapping[signal.Signals, float]) -> None:
        """Stop a process that an earlier run left behind, and forget it. Raises EmbeddedError when it will not go."""
        for number, seconds in signals.items():
            pid = self.running()
            if pid is None:
                break
            os.kill(pid, number)
            wait_until(lambda: self.running() is None, within=seconds)
        if (pid := self.running()) is not None:
            raise EmbeddedError(f"process {pid} was left by an earlier run and does not end: stop it, then start again")
        self.path.unlink(missing_ok=True)
