"""Child processes that can neither outlive us nor be taken for somebody else's.

The only place that starts a server, drops root, and reads what the system knows of a process. It knows
nothing of PostgreSQL, Valkey or the hub.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

OWN_SERVERS = "set OCPI_HUB_DATABASE_URL and OCPI_HUB_REDIS_URL to servers of your own"

Patience = Mapping[signal.Signals, float]
"""How to end a process: which signals, and how many seconds each may take."""


class EmbeddedError(Exception):
    """An embedded server, or `serve`, cannot do what is asked; the message is one sentence with the way out."""


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
    import pwd  # not on Windows, where `attach` is needed too

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise EmbeddedError(
            f"the user {name!r} does not exist: set OCPI_HUB_EMBEDDED_USER to an existing unprivileged user"
        ) from None
    if entry.pw_uid == 0:
        raise EmbeddedError("PostgreSQL refuses to run as root: set OCPI_HUB_EMBEDDED_USER to an unprivileged user")
    return User(name, entry.pw_uid, entry.pw_gid)


def die_with_parent(parent: int, number: int) -> None:
    """Ask the kernel to send us this signal when our parent is gone. Call in the child, after dropping root.

    The signal follows the *thread* that forked, so children are started from a main thread. Only Linux can do
    this; elsewhere the next start stops what the last one left (see PidFile.stop_stray).
    """
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def spawn(
    argv: Sequence[str | Path], *, user: User | None, folder: Path, log: IO[bytes], death_signal: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start a server in a process group of its own, with nothing of our environment, its output going to `log`."""
    parent = os.getpid()
    try:
        return subprocess.Popen(  # noqa: S603 - a program of ours, no shell
            [os.fspath(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_environment(),
            process_group=0,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            preexec_fn=lambda: die_with_parent(parent, death_signal),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedError(f"{Path(argv[0]).name} could not be started: {error}") from error


def run(
    argv: Sequence[str | Path], *, user: User | None, folder: Path, text: str = "", within: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a server's tool to its end and return what it said. Raises OSError or SubprocessError when it cannot run."""
    parent = os.getpid()
    return subprocess.run(  # noqa: S603 - a program of ours, no shell
        [os.fspath(part) for part in argv],
        input=text,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=within,
        check=False,
        cwd=folder,
        env=_environment(),
        process_group=0,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        preexec_fn=lambda: die_with_parent(parent, signal.SIGKILL),
    )


def _environment() -> dict[str, str]:
    """No PGDATA, no PGOPTIONS, no LD_PRELOAD of the caller's."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def can(user: User | None, check: Callable[[], bool]) -> bool:
    """Whether `check()` holds for that user, asked of the kernel in a short-lived child that became that user.

    Raises EmbeddedError when this root may not become anybody, as in a container without that capability.
    """
    if user is None:
        return check()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(user.gid)
            os.setuid(user.uid)
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    answer = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if answer not in (0, 1):
        raise EmbeddedError(
            f"root may not become {user.name} here, and PostgreSQL refuses to run as root: {OWN_SERVERS}"
        )
    return answer == 0


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
    state, _, since = _ps(pid, "stat=,lstart=").partition(" ")
    return since.strip() if since and not state.startswith("Z") else None


def exists(pid: int) -> bool:
    """Whether any process has this pid, zombies too."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def command_of(pid: int) -> str:
    """The command line of a process, empty when it is gone or a zombie."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            return ""
    return _ps(pid, "command=")


def _ps(pid: int, columns: str) -> str:
    return subprocess.run(  # noqa: S603 - a number and our own words
        ["/bin/ps", "-o", columns, "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()


def how_it_ended(code: int) -> str:
    """An exit code of Popen or waitstatus_to_exitcode in words."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def wait_until(reached: Callable[[], bool], *, within: float, every: float = 0.01) -> bool:
    """Look again and again until it is so; False when it is not within that many seconds."""
    end = time.monotonic() + within
    while not reached():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


def stop_process(process: subprocess.Popen[bytes], patience: Patience) -> None:
    """Send each signal in turn, giving the process that many seconds to end, and reap it."""
    for number, seconds in patience.items():
        if process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)


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

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)

    def stop_stray(self, patience: Patience) -> None:
        """Stop a process that an earlier run left behind, and forget it. Raises EmbeddedError when it will not go."""
        for number, seconds in patience.items():
            pid = self.running()
            if pid is None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            wait_until(lambda: self.running() is None, within=seconds)
        if (pid := self.running()) is not None:
            raise EmbeddedError(f"process {pid} was left by an earlier run and does not end: stop it, then start again")
        self.forget()
