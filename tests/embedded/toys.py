"""Parts that do nothing but live and die, and a hub made of them: `python -m tests.embedded.toys`.

Settings come from the environment. A part writes `NAME.started` (its pid, a line per start) to TOYS, a folder.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ocpi_hub.base.settings import Settings
from ocpi_hub.embedded.serve import serve

PARTS = {"api": "tests.embedded.toys:run_api", "worker": "tests.embedded.toys:run_worker"}


def _note(name: str, pid: int) -> None:
    with Path(os.environ["TOYS"], f"{name}.started").open("a") as file:
        file.write(f"{pid}\n")


def run_api(settings: Settings, ready: Callable[[], None]) -> None:
    """Ends by itself when it is asked to."""
    _note("api", os.getpid())
    if os.environ.get("TOY_API_FAILS"):
        raise OSError("the port is taken")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    ready()
    while True:
        time.sleep(60)


def run_worker(settings: Settings, ready: Callable[[], None]) -> None:
    """Has two children and a grandchild, as a pool has; they ignore every request to end."""
    _note("worker", os.getpid())
    for _ in range(2):
        if os.fork() == 0:
            os.fork()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            _note("pool", os.getpid())
            while True:
                time.sleep(60)
    ready()
    while True:
        time.sleep(60)


if __name__ == "__main__":
    sys.exit(serve(Settings(), PARTS))
