"""Commands as processes that need not import the house first: each is a fork of one that has done nothing else.

It runs the same `main`, with arguments, environment, folder, stdout, stderr and exit status of its own. That a command
also starts from nothing is tested by test_words.py and test_servers.py.
"""

import atexit
import functools
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60
_starting = threading.Lock()


def ocpi_hub(words: tuple[str, ...], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`ocpi-hub WORDS…` in a process of its own, and how it ended. Raises TimeoutError after a minute."""
    with _starting:
        folder = _forker()
    asked = json.dumps({"words": words, "environment": dict(environment), "folder": str(Path.cwd())})
    with (
        tempfile.TemporaryFile("w+", dir=folder) as out,
        tempfile.TemporaryFile("w+", dir=folder) as err,
        socket.socket(socket.AF_UNIX) as link,
    ):
        link.settimeout(PATIENCE)
        link.connect(f"{folder}/forker")
        socket.send_fds(link, [b"!"], [out.fileno(), err.fileno()])
        link.sendall(asked.encode())
        link.shutdown(socket.SHUT_WR)
        said = link.recv(16)
        assert said, "the command's process was killed"
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(words, int(said), out.read(), err.read())


@functools.cache
def _forker() -> str:
    """Start the process that forks, once; it ends with this one. Gives the folder of its socket."""
    place = tempfile.TemporaryDirectory(prefix="ocpi-hub-cli-")
    command = [sys.executable, "-m", "tests.cli.forked", f"{place.name}/forker"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None

    def end() -> None:
        process.stdin.close()  # type: ignore[union-attr]
        process.wait()
        place.cleanup()

    atexit.register(end)
    assert process.stdout.read(1) == b"!", "the forking process did not start"
    return place.name


def _import_the_house() -> None:
    for name in ("ocpi_hub.cli", "ocpi_hub.admin"):
        for found in pkgutil.iter_modules(importlib.import_module(name).__path__, f"{name}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    importlib.import_module("ocpi_hub.chargers.binding")


def _serve(path: str) -> None:
    """Fork for everyone who connects, until the tests' process is gone."""
    _import_the_house()
    assert threading.active_count() == 1, "a process with threads cannot be forked safely"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those who attend are reaped by the kernel
    parent = os.getpid()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        os.write(1, b"!")
        if os.fork() == 0:
            os.read(0, 1)  # nothing is ever written: this is the end of the tests' process
            os.kill(parent, signal.SIGTERM)
            os._exit(0)
        while True:
            link, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _attend(link)
            link.close()


def _attend(link: socket.socket) -> NoReturn:
    """One command: run it in a process of its own, and tell how that ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, outputs, _, _ = socket.recv_fds(link, 1, 2)
    asked = json.loads(b"".join(iter(lambda: link.recv(65536), b"")))
    pid = os.fork()
    if pid == 0:
        link.close()
        _become(outputs, asked)
    _, status = os.waitpid(pid, 0)
    link.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(outputs: list[int], asked: dict) -> NoReturn:
    """The command's whole life, ended as the interpreter ends it."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, target in enumerate((nothing, *outputs)):
        os.dup2(target, number)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["ocpi-hub", *asked["words"]]
    status = 1
    try:
        from ocpi_hub.cli import main

        main()
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _serve(sys.argv[1])
