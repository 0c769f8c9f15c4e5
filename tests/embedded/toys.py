"""A hub whose parts do nothing but live and die: `python -m tests.embedded.toys`; settings from the environment.

A part adds its pid as a line to `NAME.started` in the folder TOYS, each time it starts. With TOY_USER it becomes
that user first, after importing what it needs: root's own Python may lie where nobody else can read it.
"""

import importlib
import os
import pwd
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ocpi_hub.base.settings import Settings
from ocpi_hub.embedded.serve import serve

if __name__ == "__main__":
    # A shell starts its background jobs with SIGINT ignored; whoever runs these tests in one still wants Ctrl-C tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)

PARTS = {"api": "tests.embedded.toys:run_api", "worker": "tests.embedded.toys:run_worker"}


def _note(name: str) -> None:
    with Path(os.environ["TOYS"], f"{name}.started").open("a") as file:
        file.write(f"{os.getpid()}\n")


def run_api(settings: Settings, ready: Callable[[], None]) -> None:
    """Ends by itself when it is asked to."""
    _note("api")
    if os.environ.get("TOY_API") == "fails":
        raise OSError("the port is taken")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    ready()
    while True:
        time.sleep(60)


def _noted(name: str) -> int:
    path = Path(os.environ["TOYS"], f"{name}.started")
    return len(path.read_text().splitlines()) if path.exists() else 0


def run_worker(settings: Settings, ready: Callable[[], None]) -> None:
    """Has two children with a child each, as a pool may have; they ignore every request to end."""
    _note("worker")
    before = _noted("pool")
    for _ in range(2):
        if os.fork() == 0:
            os.fork()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            _note("pool")
            while True:
                time.sleep(60)
    while _noted("pool") < before + 4:
        time.sleep(0.01)
    ready()
    while True:
        time.sleep(60)


def _become(name: str) -> None:
    later = (
        "ocpi_hub.embedded.migrate",
        "ocpi_hub.base.resources",
        "sqlalchemy.dialects.postgresql.asyncpg",
        "asyncpg",
    )
    for module in (*later, "concurrent.futures.thread", "encodings.idna", "getpass", "uuid"):
        importlib.import_module(module)
    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


if __name__ == "__main__":
    if "TOY_USER" in os.environ:
        _become(os.environ["TOY_USER"])
    sys.exit(serve(Settings(), PARTS))
