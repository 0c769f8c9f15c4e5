"""Commands of the command line against a database of the test's own, each a process of its own (see forked.py)."""

import os
import subprocess
from collections.abc import Callable

from tests.cli.forked import ocpi_hub
from tests.world.hub import ADMIN, SECRET

Command = Callable[..., subprocess.CompletedProcess[str]]


def command_line(database_url: str, redis_url: str, **settings: str) -> Command:
    """`run("agreement", "list")` is `ocpi-hub agreement list`; `settings` are more variables of its environment."""
    environment = environment_for(database_url, redis_url, **settings)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return ocpi_hub(words, environment)

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
