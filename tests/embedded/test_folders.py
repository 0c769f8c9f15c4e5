"""The data folder: what cannot work is refused in a sentence, and nothing of others is opened."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ocpi_hub.embedded.folders import DataFolder, is_served
from ocpi_hub.embedded.processes import EmbeddedError, can, server_user
from ocpi_hub.embedded.servers import running
from tests.embedded.conftest import AS_ROOT, NOBODY, root_only


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@root_only
def test_a_closed_parent_is_refused_and_stays_closed(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError) as refused:
        DataFolder.open(closed / "data", NOBODY)
    assert str(refused.value) == (
        f"nobody may not enter {closed}, so no server can keep its data in {closed}/data: "
        "set OCPI_HUB_DATA_DIR to another place, or OCPI_HUB_EMBEDDED_USER to a user who may"
    )
    assert mode(closed) == 0o700


@root_only
def test_a_folder_with_something_of_others_in_it_is_not_opened(place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    (home / "secret").touch()
    with pytest.raises(EmbeddedError, match=f"nobody may not enter {home}"):
        DataFolder.open(home, NOBODY)
    assert mode(home) == 0o700


@root_only
def test_an_empty_folder_is_opened_for_passing_through_only(place: Path) -> None:
    empty = place / "empty"
    empty.mkdir(mode=0o700)
    folder = DataFolder.open(empty, NOBODY)
    assert mode(empty) == 0o711
    assert NOBODY is not None
    inside = folder.own("run")
    assert (mode(inside), inside.stat().st_uid) == (0o700, NOBODY.uid)
    assert can(NOBODY, lambda: os.access(inside, os.W_OK))


def test_a_folder_that_we_make_is_ours_alone_or_for_passing_through(place: Path) -> None:
    folder = DataFolder.open(place / "data", None)
    assert mode(folder.path) == (0o711 if AS_ROOT else 0o700)
    assert mode(folder.own("run")) == 0o700
    folder.open_log("valkey").close()
    assert mode(folder.log_path("valkey")) == 0o600


def test_a_file_in_the_way_is_a_sentence(place: Path) -> None:
    (place / "file").touch()
    with pytest.raises(EmbeddedError, match="Not a directory; set OCPI_HUB_DATA_DIR"):
        DataFolder.open(place / "file" / "data", None)


def test_a_users_folder_that_is_not_private_is_refused(place: Path) -> None:
    folder = DataFolder.open(place / "data", None)
    (folder.path / "run").mkdir(mode=0o755)
    with pytest.raises(EmbeddedError, match=r"must be a folder of yours alone \(mode 700\)"):
        folder.own("run")


def test_a_link_in_place_of_a_private_folder_is_refused(place: Path) -> None:
    folder = DataFolder.open(place / "data", None)
    (place / "elsewhere").mkdir(mode=0o700)
    (folder.path / "run").symlink_to(place / "elsewhere")
    with pytest.raises(EmbeddedError, match="move it away"):
        folder.own("run")


def test_a_path_too_long_for_sockets_works_by_a_short_private_one(place: Path) -> None:
    user = server_user("nobody")
    with running(place / ("long" * 30), fast=True) as urls:
        sockets = Path(urls.database_url.partition("?host=")[2])
        try:
            assert not sockets.is_relative_to(place)
            assert mode(sockets) == 0o700
            assert sockets.stat().st_uid == (user.uid if user else os.geteuid())
            assert urls.redis_url == f"unix://{sockets}/valkey.sock?db=0"
        finally:
            left = list(sockets.iterdir())
    assert left
    assert not list(sockets.iterdir())
    sockets.rmdir()


def test_the_lock_is_seen_and_ends_with_its_process(place: Path) -> None:
    assert not is_served(place)
    code = (
        "import sys, pathlib; from ocpi_hub.embedded.folders import DataFolder\n"
        "with DataFolder(pathlib.Path(sys.argv[1]), None).locked():\n    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert is_served(place)
    with (
        pytest.raises(EmbeddedError, match=rf"another `ocpi-hub serve` \(process {holder.pid}\)"),
        DataFolder(place, None).locked(),
    ):
        pass
    holder.kill()
    holder.communicate()
    assert not is_served(place)
    with DataFolder(place, None).locked():
        pass
