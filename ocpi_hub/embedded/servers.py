"""Both servers together: started in parallel, waited for, stopped in order. `serve` and the tests use this alike."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ocpi_hub.embedded.binaries import postgres_program, valkey_program
from ocpi_hub.embedded.daemon import Daemon
from ocpi_hub.embedded.folders import DataFolder
from ocpi_hub.embedded.postgres import Postgres
from ocpi_hub.embedded.processes import EmbeddedError, server_user
from ocpi_hub.embedded.valkey import Valkey


class Urls(NamedTuple):
    """How to reach both servers, as the settings want it."""

    database_url: str
    redis_url: str


def embedded_postgres(folder: DataFolder, *, pg_bin: Path | None = None, fast: bool = False) -> Postgres:
    """A PostgreSQL in this folder, not yet started. Raises EmbeddedError when this system cannot run one."""
    return Postgres(folder, postgres_program(folder, pg_bin), folder.sockets(), fast)


def embedded_valkey(folder: DataFolder, *, fast: bool = False) -> Valkey:
    """A Valkey in this folder, not yet started. Raises EmbeddedError when this system cannot run one."""
    return Valkey(folder, valkey_program(folder), folder.sockets(), fast)


def wait_for(server: Daemon, *, within: float = 600, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Wait until it answers, calling `meanwhile` again and again: recovery after a crash may take its time.

    Raises EmbeddedError with the end of its log when it ends instead, or never answers.
    """
    end = time.monotonic() + within
    while not server.ready():
        meanwhile()
        late = time.monotonic() > end
        how = server.ended()
        if how is not None and not late and server.hindered():
            time.sleep(0.1)
            server.start()
        elif how is not None or late:
            raise EmbeddedError(
                f"{server.name} does not start ({how or 'no answer'}): {server.last_words()}; more in {server.log}"
            )
        time.sleep(0.005)


@contextmanager
def running(
    data_dir: Path, *, user_name: str = "nobody", pg_bin: Path | None = None, fast: bool = False
) -> Iterator[Urls]:
    """Both servers in `data_dir`, ready to be used, stopped on leaving. Call it from a main thread.

    `user_name` counts only for root. Raises EmbeddedError.
    """
    folder = DataFolder.open(data_dir, server_user(user_name))
    valkey = embedded_valkey(folder, fast=fast)
    postgres = embedded_postgres(folder, pg_bin=pg_bin, fast=fast)
    try:
        valkey.start()
        if not postgres.exists():
            postgres.make()
        postgres.start()
        wait_for(valkey)
        wait_for(postgres)
        yield Urls(postgres.url, valkey.url)
    finally:
        valkey.stop()
        postgres.stop()
