"""The data folder and the folder of the sockets: made, checked and locked.

Nothing outside of what we made ourselves is ever opened to others; what cannot work is refused with a sentence.
"""

import fcntl
import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ocpi_hub.embedded.processes import EmbeddedError, User, can

# A unix socket's whole path, 108 bytes with its closing NUL on Linux and 104 on macOS.
_SOCKET_LIMIT = 103
_LONGEST_SOCKET = "/.s.PGSQL.5432.lock"
_MARK = ".ocpi-hub"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The data directory: keys and the run file belong to us, `postgresql`, `valkey` and `run` to the servers' user."""

    path: Path
    user: User | None

    @classmethod
    def open(cls, path: Path, user: User | None) -> "DataFolder":
        """Make the folder, or check it. Raises EmbeddedError when the servers could not live in it."""
        path = Path(os.path.abspath(path))
        with _as_sentence(path):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not (path / _MARK).exists():
                ours = not any(path.iterdir())
                if ours and user is not None:
                    path.chmod(0o711)
                if ours:
                    (path / _MARK).touch(mode=0o600)
        _check_way(path, user)
        return cls(path, user)

    def own(self, name: str) -> Path:
        """A folder of the servers' user inside, mode 700."""
        folder = self.path / name
        with _as_sentence(folder):
            _make_private(folder, self.user)
        return folder

    def log(self, name: str, *, keep: int = 10_000_000) -> Path:
        """A log file that we append to; one that has grown past `keep` bytes is put aside as `….1`."""
        log = self.path / f"{name}.log"
        if log.exists() and log.stat().st_size > keep:
            log.replace(log.with_suffix(".log.1"))
        return log

    def sockets(self) -> Path:
        """The private folder of the sockets: inside, or a short one elsewhere when the path would be too long."""
        if len(os.fsencode(self.path / "run")) + len(_LONGEST_SOCKET) <= _SOCKET_LIMIT:
            return self.own("run")
        name = "ocpi-hub-" + hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        places = ["/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp"]  # noqa: S108
        for place in places:
            folder = Path(place, name)
            short = len(os.fsencode(folder)) + len(_LONGEST_SOCKET) <= _SOCKET_LIMIT
            if place and short and os.access(place, os.W_OK) and can(self.user, lambda: os.access(place, os.X_OK)):  # noqa: B023
                _make_private(folder, self.user)
                return folder
        raise EmbeddedError(f"the path of {self.path} is too long for a unix socket: set OCPI_HUB_DATA_DIR to a shorter one")


def _make_private(folder: Path, user: User | None) -> None:
    """Make it with mode 700 for that user; one that is there already must be just that."""
    owner = user.uid if user else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)
        if user is not None:
            os.chown(folder, user.uid, user.gid)
    except FileExistsError:
        known = folder.lstat()
        if not stat.S_ISDIR(known.st_mode) or known.st_uid != owner or stat.S_IMODE(known.st_mode) != 0o700:
            whose = user.name if user else "you"
            raise EmbeddedError(f"{folder} must be a folder of {whose} with mode 700, and is not: move it away") from None


def _check_way(path: Path, user: User | None) -> None:
    for folder in [*reversed(path.parents), path]:
        if not can(user, lambda: os.access(folder, os.X_OK)):  # noqa: B023
            name = user.name if user else "you"
            raise EmbeddedError(
                f"{name} may not enter {folder}, so no server can keep its data in {path}: "
                f"set OCPI_HUB_DATA_DIR to another place, or OCPI_HUB_EMBEDDED_USER to a user who may"
            )


class _as_sentence(suppress):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, OSError):
            raise EmbeddedError(
                f"{self._path} cannot be used: {error.strerror}; set OCPI_HUB_DATA_DIR to another place"
            ) from error
        return False
