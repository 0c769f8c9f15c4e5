"""Parts of `serve` as forked processes: they share what the supervisor has imported, and die with it.

Knows nothing of what a part does. Forks only from a process with one thread, and only from its main thread.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import structlog

from ocpi_hub.embedded.processes import EmbeddedError, PidFile, die_with_parent, how_it_ended

log = structlog.get_logger()

_OURS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)

Target = Callable[[Callable[[], None]], None]
"""What a part runs until it ends: it is given the function to call once when it is ready."""


class Fork:
    """One part: a process group of its own, so that Ctrl-C reaches only the supervisor, and its children go with it."""

    def __init__(self, name: str, target: Target, *, pid_file: Path) -> None:
        self.name = name
        self._target = target
        self._pid_file = PidFile(pid_file)
        self.pid: int | None = None
        self._ready_end = -1
        self._ready = False
        self._how: str | None = None

    def start(self) -> None:
        """Fork. A part that an earlier run left behind is killed first: it may hold our ports."""
        self._pid_file.stop_stray({signal.SIGKILL: 5.0})
        self._ready, self._how = False, None
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        ready_end, child_end = os.pipe()
        # A signal that came before the child has put off our handlers would be lost in them.
        signal.pthread_sigmask(signal.SIG_BLOCK, _OURS)
        try:
            pid = os.fork()
            if pid == 0:
                os.close(ready_end)
                self._live(parent, child_end)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _OURS)
        os.close(child_end)
        os.set_blocking(ready_end, False)
        with suppress(OSError):
            os.setpgid(pid, pid)  # both sides do it, so that it holds for either from now on
        self.pid, self._ready_end = pid, ready_end
        self._pid_file.write(pid)

    def ready(self) -> bool:
        """Whether the part has said that it is ready."""
        if not self._ready and self.pid is not None:
            with suppress(BlockingIOError):
                self._ready = os.read(self._ready_end, 1) != b""
        return self._ready

    def ended(self) -> str | None:
        """How the part ended; None while it runs. Processes that it left in its group are killed then."""
        if self.pid is not None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._how = how_it_ended(os.waitstatus_to_exitcode(status))
                self.signal(signal.SIGKILL)
                os.close(self._ready_end)
                self.pid = None
                self._pid_file.forget()
        return self._how

    def runs(self) -> bool:
        self.ended()
        return self.pid is not None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal: SIGKILL to the whole group, any other to the part alone, which knows its children best."""
        if self.pid is not None:
            send = os.killpg if number == signal.SIGKILL else os.kill
            with suppress(ProcessLookupError, PermissionError):
                send(self.pid, number)

    def _live(self, parent: int, ready_end: int) -> NoReturn:
        """The whole life of the forked process; it never returns into the supervisor's code."""
        status = 1

        def ready() -> None:
            with suppress(OSError):
                os.write(ready_end, b"1")

        try:
            _as_new(parent)
            self._target(ready)
            status = 0
        except SystemExit as leaving:
            status = _exit_status(leaving.code)
        except (EmbeddedError, OSError) as error:
            print(f"ocpi-hub: {self.name}: {error}", file=sys.stderr)
        except BaseException:
            log.exception("serve.failed", part=self.name)
        finally:
            with suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)


def stop_forks(forks: Sequence[Fork], *, within: float, hurry: Callable[[], bool]) -> None:
    """Ask all of them to end, together; kill those that are late, and all that are left when `hurry()` says so."""
    for fork in forks:
        fork.signal(signal.SIGTERM)
    end = time.monotonic() + within
    while running := [fork for fork in forks if fork.runs()]:
        if time.monotonic() > end or hurry():
            for fork in running:
                fork.signal(signal.SIGKILL)
        time.sleep(0.01)


def _exit_status(code: object) -> int:
    """As the interpreter does it: nothing is 0, a number is itself, anything else is printed and is 1."""
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1


def _as_new(parent: int) -> None:
    """Put off what belongs to the supervisor: its group, its signal handlers and its terminal input."""
    with suppress(PermissionError):
        os.setpgid(0, 0)
    die_with_parent(parent, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    for number in _OURS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _OURS)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    _bind_children()


def _bind_children() -> None:
    """Let children of this process, such as Celery's pool, end with it however it ends, and theirs with them."""
    forking = [os.getpid()]
    os.register_at_fork(
        before=lambda: forking.__setitem__(0, os.getpid()),
        after_in_child=lambda: die_with_parent(forking[0], signal.SIGKILL),
    )
