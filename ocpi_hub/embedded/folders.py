"""The data folder and the folder of the sockets: made, checked and locked.

Nothing but what we made ourselves, or found empty, is ever opened to others; what cannot work is refused.
"""

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ocpi_hub.embedded.processes import EmbeddedError, User, can

# The longest path of a unix socket is 107 bytes on Linux and 103 on macOS.
_SOCKET_LIMIT = 103
_LONGEST_SOCKET = "/.s.PGSQL.5432"
_LOG_LIMIT = 10_000_000


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The data directory: keys and the run file are ours; `postgresql`, `valkey` and `run` are the servers' user's."""

    path: Path
    user: User | None

    @classmethod
    def open(cls, path: Path, user: User | None) -> "DataFolder":
        """Make the folder, or check it. Raises EmbeddedError when the servers could not live in it."""
        path = Path(os.path.abspath(path))
        with _in_a_sentence(path):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.geteuid() == 0 and not any(path.iterdir()):  # for passing through; what is inside is private
                path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o011)
        _check_way(path, user)
        return cls(path, user)

    def own(self, name: str) -> Path:
        """A folder of the servers' user inside, mode 700."""
        with _in_a_sentence(self.path / name):
            return _private(self.path / name, self.user)

    def log_path(self, name: str) -> Path:
        return self.path / f"{name}.log"

    def open_log(self, name: str) -> IO[bytes]:
        """A log file to append to, ours alone; one that has grown large is put aside as `….log.1`."""
        path = self.log_path(name)
        with _in_a_sentence(path):
            if path.exists() and path.stat().st_size > _LOG_LIMIT:
                path.replace(path.with_suffix(".log.1"))
            return os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "ab")

    def sockets(self) -> Path:
        """The private folder of the sockets: inside, or a short one elsewhere when the path would be too long."""
        if _short(self.path / "run"):
            return self.own("run")
        name = "ocpi-hub-" + hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        places = ("/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp")  # noqa: S108
        for place in (Path(place) for place in places if place):
            if _short(place / name) and os.access(place, os.W_OK | os.X_OK) and _may_enter(place, self.user):
                return _private(place / name, self.user)
        raise EmbeddedError(f"{self.path} is too long for a unix socket: set OCPI_HUB_DATA_DIR to a shorter path")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one `serve`. The lock belongs to this process alone and ends with it, however it ends.

        Raises EmbeddedError when another process holds it.
        """
        with _in_a_sentence(self.path / "serve.lock"):
            lock = os.fdopen(os.open(self.path / "serve.lock", os.O_CREAT | os.O_RDWR, 0o600), "r+")
        with lock:
            if not _try_lock(lock, alone=True, within=0.5):
                holder = lock.read().strip() or "unknown"
                raise EmbeddedError(
                    f"another `ocpi-hub serve` (process {holder}) already uses {self.path}: "
                    "stop it, or set OCPI_HUB_DATA_DIR to another folder"
                )
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield


def is_served(path: Path) -> bool:
    """Whether a `serve` holds the lock of this data folder now."""
    try:
        with (path / "serve.lock").open() as lock:
            return not _try_lock(lock, alone=False, within=0)
    except FileNotFoundError:
        return False


def _try_lock(lock: IO[str], *, alone: bool, within: float) -> bool:
    import fcntl  # not on Windows, where `attach` is needed too

    kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    end = time.monotonic() + within
    while True:
        try:
            fcntl.lockf(lock, kind | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)
        else:
            return True


def _short(folder: Path) -> bool:
    return len(os.fsencode(folder)) + len(_LONGEST_SOCKET) <= _SOCKET_LIMIT


def _private(folder: Path, user: User | None) -> Path:
    """Make it with mode 700 for that user; one that is there already must be just that."""
    try:
        folder.mkdir(mode=0o700)
        if user is not None:
            os.chown(folder, user.uid, user.gid)
    except FileExistsError:
        known = folder.lstat()
        owner = user.uid if user else os.geteuid()
        if not stat.S_ISDIR(known.st_mode) or known.st_uid != owner or stat.S_IMODE(known.st_mode) & 0o077:
            whose = user.name if user else "yours"
            raise EmbeddedError(
                f"{folder} must be a folder of {whose} alone (mode 700): start as the user who made it, or move it away"
            ) from None
    return folder


def _may_enter(folder: Path, user: User | None) -> bool:
    return can(user, lambda: os.access(folder, os.X_OK))


def _check_way(path: Path, user: User | None) -> None:
    """Name the first folder on the way that the servers' user may not enter."""
    if _may_enter(path, user):
        return
    closed = next((folder for folder in reversed(path.parents) if not _may_enter(folder, user)), path)
    raise EmbeddedError(
        f"{user.name if user else 'you'} may not enter {closed}, so no server can keep its data in {path}: "
        "set OCPI_HUB_DATA_DIR to another place, or OCPI_HUB_EMBEDDED_USER to a user who may"
    )


@contextmanager
def _in_a_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EmbeddedError(f"{path}: {error.strerror}; set OCPI_HUB_DATA_DIR to another place") from error
