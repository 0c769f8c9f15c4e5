"""Commands of the command line against a database of the test's own, each a process as a person would start it."""

import os
import subprocess
import sys
from collections.abc import Callable

from tests.world.hub import ADMIN, SECRET

Command = Callable[..., subprocess.CompletedProcess[str]]


def command_line(database_url: str, redis_url: str, **settings: str) -> Command:
    """`run("agreement", "list")` is `ocpi-hub agreement list`; `settings` are more variables of its environment."""
    environment = environment_for(database_url, redis_url, **settings)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ocpi_hub.cli", *words],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment,
        )

    return run


def environment_for(database_url: str, redis_url: str, **settings: str) -> dict[str, str]:
    """What a command must find to work on this database."""
    return {
        **os.environ,
        "OCPI_HUB_DATABASE_URL": database_url,
        "OCPI_HUB_REDIS_URL": redis_url,
        "OCPI_HUB_SECRET_KEY": SECRET,
        "OCPI_HUB_ADMIN_KEY": ADMIN,
        "COLUMNS": "200",
        **settings,
    }
