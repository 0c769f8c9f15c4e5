"""Keeps servers and parts alive: one loop that sees what has ended and starts it again, later and later.

One thread, no event loop: it forks, so it must stay simple.
"""

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import NoReturn, Protocol, Self

import structlog

from ocpi_hub.embedded.processes import EmbeddedError

log = structlog.get_logger()

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 30.0
_STEADY = 60.0


class Unit(Protocol):
    """Something that runs: an embedded server or a forked part."""

    @property
    def name(self) -> str: ...

    @property
    def pid(self) -> int | None: ...

    def start(self) -> None: ...

    def ready(self) -> bool: ...

    def ended(self) -> str | None: ...


class Stopped(Exception):
    """Somebody asked us to stop."""


class Wake:
    """Waits that end at once when a child ends or somebody asks us to stop (Ctrl-C, SIGTERM, a closed terminal)."""

    def __init__(self) -> None:
        self.requests = 0
        self._hear, self._ring = socket.socketpair()
        self._hear.setblocking(False)
        self._ring.setblocking(False)
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        signal.set_wakeup_fd(self._ring.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup sets it
                self._before[number] = signal.signal(number, self._asked)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal itself gave
        self._hear.close()
        self._ring.close()

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self.requests += 1

    def pause(self, seconds: float) -> None:
        """Wait that long or until a signal comes. Raises Stopped once we were asked to stop."""
        self.check()
        select.select([self._hear], [], [], seconds)
        with suppress(BlockingIOError):
            while self._hear.recv(4096):
                pass
        self.check()

    def check(self) -> None:
        """Raises Stopped once we were asked to stop."""
        if self.requests:
            raise Stopped


def wait_ready(units: Sequence[Unit], wake: Wake, *, within: float, announce: Callable[[Unit], None]) -> None:
    """Wait until all are ready, announcing each; the first start must work, so whoever ends instead is an error.

    Raises EmbeddedError, and Stopped.
    """
    end = time.monotonic() + within
    waiting = list(units)
    while waiting:
        for unit in list(waiting):
            if unit.ready():
                announce(unit)
                waiting.remove(unit)
            elif how := unit.ended():
                raise EmbeddedError(f"{unit.name} ended before it was ready ({how}); its own words are above")
        if waiting and time.monotonic() > end:
            raise EmbeddedError(f"{', '.join(unit.name for unit in waiting)} not ready within {within:.0f} s")
        if waiting:
            wake.pause(0.01)


@dataclass
class _Kept:
    unit: Unit
    since: float
    deaths: int = 0
    restart_at: float | None = None
    announced: bool = True


class Keeper:
    """Starts again what ends, after a pause that doubles while it keeps ending; a minute of running forgives it."""

    def __init__(self, units: Sequence[Unit], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept = [_Kept(unit, clock()) for unit in units]

    def keep(self, wake: Wake) -> NoReturn:
        """Keep them alive until we are asked to stop: Stopped is how it ends."""
        while True:
            self.look()
            _bury_strangers({kept.unit.pid for kept in self._kept})
            wake.pause(0.02 if any(not kept.announced for kept in self._kept) else 1.0)

    def look(self) -> None:
        """One look at every unit: plan the restart of what has ended, restart what is due, greet what is back."""
        for kept in self._kept:
            now = self._clock()
            if kept.restart_at is not None:
                if now >= kept.restart_at:
                    self._start(kept, now)
            elif how := kept.unit.ended():
                self._plan(kept, now, how)
            elif not kept.announced and kept.unit.ready():
                kept.announced = True
                log.info("serve.running_again", part=kept.unit.name)

    def _start(self, kept: _Kept, now: float) -> None:
        kept.restart_at, kept.since = None, now
        try:
            kept.unit.start()
        except EmbeddedError as error:
            self._plan(kept, now, str(error))

    def _plan(self, kept: _Kept, now: float, how: str) -> None:
        if now - kept.since > _STEADY:
            kept.deaths = 0
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**kept.deaths)
        kept.deaths += 1
        kept.restart_at, kept.announced = now + pause, False
        log.warning("serve.ended", part=kept.unit.name, how=how, starts_again_in=pause)


def _bury_strangers(ours: set[int | None]) -> None:
    """Reap orphans that we inherited, as a container's first process does; our own are left to their units."""
    if not hasattr(os, "waitid"):  # macOS; it has no such containers
        return
    with suppress(ChildProcessError):
        while (dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and dead.si_pid not in ours:
            os.waitpid(dead.si_pid, 0)
