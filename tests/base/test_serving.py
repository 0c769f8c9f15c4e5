"""Answers over a real socket: what is written in one turn of the loop goes in one piece, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from ocpi_hub.base.serving import MOST, Joining, server_config


class Recorder(asyncio.Transport):
    """A transport that only writes down what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    def write(self, data: object) -> None:
        self.told.append(bytes(data))  # type: ignore[call-overload]

    def writelines(self, list_of_data: Iterable[object]) -> None:
        self.told.append([bytes(data) for data in list_of_data])  # type: ignore[call-overload]

    def close(self) -> None:
        self.told.append("closed")

    def abort(self) -> None:
        self.told.append("aborted")


async def turn() -> None:
    await asyncio.sleep(0)


@pytest.fixture
async def joining() -> tuple[Joining, list[object]]:
    recorder = Recorder()
    return Joining(recorder, asyncio.get_running_loop()), recorder.told


async def test_what_is_written_in_one_turn_goes_in_one_piece(joining: tuple[Joining, list[object]]) -> None:
    transport, told = joining
    transport.write(b"head")
    transport.write(b"body")
    assert told == []
    await turn()
    assert told == [[b"head", b"body"]]
    transport.write(b"next")
    await turn()
    assert told == [[b"head", b"body"], b"next"]


async def test_what_is_large_does_not_wait(joining: tuple[Joining, list[object]]) -> None:
    transport, told = joining
    transport.write(b"head")
    transport.write(b"x" * MOST)
    assert told == [[b"head", b"x" * MOST]]
    transport.write(b"tail")
    await turn()
    assert told[1:] == [b"tail"]


async def test_closing_writes_what_waits_first(joining: tuple[Joining, list[object]]) -> None:
    transport, told = joining
    transport.write(b"head")
    transport.write(b"body")
    transport.close()
    await turn()
    assert told == [[b"head", b"body"], "closed"]


async def test_aborting_writes_nothing_more(joining: tuple[Joining, list[object]]) -> None:
    transport, told = joining
    transport.write(b"head")
    transport.abort()
    await turn()
    assert told == ["aborted"]


LONG = b"x" * 3_000_000


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """/short says ok, /long much at once, /pieces much in a hundred pieces."""
    body = b"ok" if scope["path"] == "/short" else LONG
    pieces = 100 if scope["path"] == "/pieces" else 1
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    step = -(-len(body) // pieces)
    for start in range(0, len(body), step):
        part = body[start : start + step]
        await send({"type": "http.response.body", "body": part, "more_body": start + step < len(body)})


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    server = uvicorn.Server(server_config(answer, host="127.0.0.1", port=0))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


@pytest.mark.parametrize(("path", "body"), [("/short", b"ok"), ("/long", LONG), ("/pieces", LONG)])
async def test_answers_come_whole_however_they_were_written(path: str, body: bytes) -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):  # on one connection, and the last one closes it
            writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert await reader.readexactly(len(body)) == body
        writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
        assert (await reader.read()).endswith(b"\r\n\r\n" + body)
        writer.close()


async def test_requests_that_follow_without_waiting_are_answered_in_their_order() -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        asked = b"GET /short HTTP/1.1\r\nHost: here\r\n\r\n"
        writer.write(asked * 20 + asked.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        said = await reader.read()
        assert said.count(b"HTTP/1.1 200 OK") == said.count(b"\r\n\r\nok") == 21
        writer.close()


async def test_what_is_no_http_is_answered_and_the_connection_ends() -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"NONSENSE\r\n\r\n")
        said = await reader.read()
        assert said.startswith(b"HTTP/1.1 400 Bad Request")
        assert said.endswith(b"Invalid HTTP request received.")
        writer.close()
