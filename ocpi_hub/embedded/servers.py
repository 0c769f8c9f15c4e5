"""Both servers together: started in parallel, waited for, stopped in order. `serve` and the tests use this alike."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ocpi_hub.embedded.binaries import ready_binaries
from ocpi_hub.embedded.folders import DataFolder
from ocpi_hub.embedded.postgres import Postgres
from ocpi_hub.embedded.processes import EmbeddedError, server_user
from ocpi_hub.embedded.valkey import Valkey

Server = Postgres | Valkey


@dataclass(frozen=True, slots=True)
class Servers:
    """Two running servers and how to reach them."""

    postgres: Postgres
    valkey: Valkey

    @property
    def database_url(self) -> str:
        return self.postgres.url

    @property
    def redis_url(self) -> str:
        return self.valkey.url

    def stop(self) -> None:
        """Valkey first, PostgreSQL last: it is the truth."""
        self.valkey.stop()
        self.postgres.stop()


def wait_for(server: Server, *, within: float = 60) -> None:
    """Wait until it answers. Raises EmbeddedError with the end of its log when it ends instead, or never answers."""
    end = time.monotonic() + within
    while not server.answers():
        ended = server.process is None or server.process.poll() is not None
        if ended or time.monotonic() > end:
            log = server.folder.path / f"{server.name.lower()}.log"
            lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
            what = "ended at once" if ended else f"does not answer within {within:.0f} s"
            raise EmbeddedError(f"{server.name} {what}: {lines[-1] if lines else 'it said nothing'} (more in {log})")
        time.sleep(0.005)


@contextmanager
def running(
    data_dir: Path, *, user_name: str = "nobody", pg_bin: Path | None = None, fast: bool = False
) -> Iterator[Servers]:
    """Both servers in `data_dir`, ready to be used, stopped on leaving. Raises EmbeddedError."""
    user = server_user(user_name)
    folder = DataFolder.open(data_dir, user)
    binaries = ready_binaries(user, pg_bin=pg_bin, copies=folder.path / "binaries")
    sockets = folder.sockets()
    servers = Servers(Postgres(folder, binaries, sockets, fast), Valkey(folder, binaries, sockets, fast))
    try:
        for server in (servers.valkey, servers.postgres):
            server.prepare()
            server.start()
        for server in (servers.valkey, servers.postgres):
            wait_for(server)
        yield servers
    finally:
        servers.stop()
