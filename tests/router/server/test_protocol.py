"""The router's own HTTP/1.1, over real sockets, with an engine that answers when the test lets it."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
import uvicorn

from router.config import ServerSettings
from router.execution.exchange import GraphQLResponse, Outcome
from router.server.serving import uvicorn_config

BODY = b'{"query":"{ hello }"}'
HEAD = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
POST = HEAD + b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)
ANSWER = b'{"data":{"hello":"world"}}'


@pytest.fixture(params=["long", "short"])
def engine(engine: Any, request: pytest.FixtureRequest) -> Any:
    """An engine whose queries go the long way, then one whose queries go the short way."""
    engine.short = request.param == "short"
    return engine


class QuietServer(uvicorn.Server):
    """uvicorn that says when it listens, without its signal handlers, which belong to the test run."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Any:
        yield


@asynccontextmanager
async def served(app: Any, **settings: Any) -> AsyncIterator[tuple[QuietServer, Callable[[], Any]]]:
    """Serve an application; the second value opens connections to it."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = QuietServer(uvicorn_config(app, ServerSettings(**settings)))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await server.listening.wait()
    port = listener.getsockname()[1]
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        return reader, writer

    try:
        yield server, connect
    finally:
        for writer in writers:
            writer.close()
        server.should_exit = True
        await serving


async def read(reader: asyncio.StreamReader) -> tuple[int, dict[bytes, bytes], bytes]:
    async with asyncio.timeout(10):
        status = int((await reader.readline()).split()[1])
        headers = {}
        while (line := (await reader.readline()).strip()) != b"":
            name, _, value = line.partition(b": ")
            headers[name] = value
        return status, headers, await reader.readexactly(int(headers.get(b"content-length", 0)))


async def test_an_answer_is_whole_and_dated(make_app: Any) -> None:
    async with served(make_app()) as (_, connect):
        reader, writer = await connect()
        writer.write(POST)

        status, headers, body = await read(reader)

    assert (status, body) == (200, ANSWER)
    assert {b"date", b"content-type", b"x-content-type-options", b"x-request-id"} <= headers.keys()


async def test_a_client_that_leaves_ends_its_request(make_app: Any, engine: Any) -> None:
    engine.gate.clear()
    async with served(make_app()) as (_, connect):
        _, writer = await connect()
        writer.write(POST + POST)
        await asyncio.sleep(0.1)
        writer.close()
        await asyncio.sleep(0.1)

    assert engine.cancelled == 1
    assert len(engine.asked) == 1


async def test_a_slow_answer_ends_in_504_and_the_connection_goes_on(make_app: Any, engine: Any) -> None:
    engine.gate.clear()
    async with served(make_app(), request_timeout=0.2) as (_, connect):
        reader, writer = await connect()
        writer.write(POST)
        status, _, body = await read(reader)
        assert (status, b"GATEWAY_TIMEOUT" in body) == (504, True)
        engine.gate.set()
        writer.write(POST)

        assert (await read(reader))[2] == ANSWER

    assert engine.cancelled == 1


async def test_many_requests_sent_ahead_are_answered_one_by_one(make_app: Any, engine: Any) -> None:
    engine.gate.clear()
    async with served(make_app("sharing: {requests: false}")) as (_, connect):
        reader, writer = await connect()
        writer.write(POST * 50)
        await asyncio.sleep(0.1)
        assert len(engine.asked) == 1
        engine.gate.set()

        assert [(await read(reader))[0] for _ in range(50)] == [200] * 50


async def test_a_reader_that_is_slow_gets_everything(make_app: Any, engine: Any) -> None:
    engine.result = GraphQLResponse(Outcome.EXECUTED, data={"text": "x" * 8_000_000})
    async with served(make_app()) as (_, connect):
        reader, writer = await connect()
        writer.write(POST + POST)
        await asyncio.sleep(0.3)

        assert [len((await read(reader))[2]) for _ in range(2)] == [8_000_020] * 2


async def test_a_server_that_stops_finishes_what_it_began(make_app: Any, engine: Any) -> None:
    engine.gate.clear()
    async with served(make_app()) as (server, connect):
        reader, writer = await connect()
        idle, _ = await connect()
        writer.write(POST)
        await asyncio.sleep(0.1)
        server.should_exit = True
        await asyncio.sleep(0.3)
        engine.gate.set()

        _, headers, body = await read(reader)

        assert body == ANSWER
        assert headers[b"connection"] == b"close"
        assert await idle.read() == await reader.read() == b""


@pytest.mark.parametrize(
    "head", [POST.replace(b"HTTP/1.1", b"HTTP/1.0"), POST.replace(b"host: x", b"connection: close")]
)
async def test_a_connection_is_closed_for_those_who_want_that(make_app: Any, head: bytes) -> None:
    async with served(make_app()) as (_, connect):
        reader, writer = await connect()
        writer.write(head)

        assert (await read(reader))[1][b"connection"] == b"close"
        assert await reader.read() == b""


async def test_who_sends_too_much_hears_so_while_still_sending(make_app: Any, engine: Any) -> None:
    async with served(make_app("limits: {body_bytes: 1000}")) as (_, connect):
        reader, writer = await connect()
        writer.write(HEAD + b"content-length: 30000000\r\n\r\n")
        for _ in range(30):
            writer.write(b" " * 100_000)
            await asyncio.sleep(0)

        status, headers, _ = await read(reader)

    assert (status, headers[b"connection"]) == (413, b"close")
    assert engine.asked == []


async def test_silence_is_ended(make_app: Any) -> None:
    async with served(make_app(), keep_alive=0.2, request_timeout=0.2) as (_, connect):
        silent, _ = await connect()
        reader, writer = await connect()
        writer.write(POST)
        await read(reader)
        half, half_writer = await connect()
        half_writer.write(POST[:-1])

        assert await asyncio.wait_for(silent.read(), 3) == b""
        assert await asyncio.wait_for(reader.read(), 3) == b""
        assert (await asyncio.wait_for(half.read(), 5)).startswith(b"HTTP/1.1 408 ")


async def test_other_protocols_are_not_spoken(make_app: Any) -> None:
    upgrade = b"GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x05hello"
    async with served(make_app()) as (_, connect):
        reader, writer = await connect()
        writer.write(upgrade)

        assert (await read(reader))[0] == 400
        assert await asyncio.wait_for(reader.read(), 5) == b""


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://x/health", 200),
        (b"/health?a=%20", 200),
        (b"/h%65alth", 200),
        (b"*", 404),
        (b"/%ff", 404),
        (b"/caf\xc3\xa9", 400),
    ],
)
async def test_targets(make_app: Any, target: bytes, status: int) -> None:
    async with served(make_app()) as (_, connect):
        reader, writer = await connect()
        writer.write(b"GET " + target + b" HTTP/1.1\r\nhost: x\r\n\r\n")

        assert (await read(reader))[0] == status


async def test_equal_heads_are_read_alike(make_app: Any, engine: Any) -> None:
    """The second request of a kind comes under a known head; what differs in the body is seen."""
    bodies = [b'{"query":"{ hello }"}', b'{"query":"{ other }"}', b'{"query":"{ third }"}']
    async with served(make_app()) as (_, connect):
        for _ in range(2):
            reader, writer = await connect()
            for body in bodies:
                writer.write(HEAD + b"x-n: 1\r\ncontent-length: 21\r\n\r\n" + body)
                assert (await read(reader))[0] == 200

    assert [request.query for request, _ in engine.asked] == ["{ hello }", "{ other }", "{ third }"] * 2


@pytest.mark.parametrize("cut", [10, len(POST) - len(BODY), len(POST) - 3])
async def test_a_known_head_in_pieces(make_app: Any, engine: Any, cut: int) -> None:
    async with served(make_app()) as (_, connect):
        reader, writer = await connect()
        writer.write(POST)
        assert (await read(reader))[2] == ANSWER
        for piece in (POST[:cut], POST[cut:] + POST):
            writer.write(piece)
            await asyncio.sleep(0.05)

        assert [(await read(reader))[2] for _ in range(2)] == [ANSWER] * 2

    assert len(engine.asked) == 3


async def test_a_connection_of_its_own_for_each_client_address(make_app: Any, engine: Any) -> None:
    """What the server notes about a connection is not part of a known head."""
    forged = HEAD + b"x-client-address: 6.6.6.6\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)
    heads = []
    app = make_app()
    begin = app.begin
    app.begin = lambda request, done: heads.append(dict(request.headers)) or begin(request, done)
    async with served(app) as (_, connect):
        reader, writer = await connect()
        for _ in range(2):
            writer.write(forged)
            await read(reader)

    assert [each[b"x-client-address"] for each in heads] == [b"127.0.0.1"] * 2


async def test_a_failure_is_told_on_either_way(make_app: Any, engine: Any) -> None:
    engine.failure = ZeroDivisionError("secret")
    async with served(make_app()) as (_, connect):
        reader, writer = await connect()
        writer.write(POST)

        status, _, body = await read(reader)

    assert (status, b"secret" in body, b"Internal error (id " in body) == (500, False, True)


async def test_answers_are_compressed_on_either_way(make_app: Any, engine: Any) -> None:
    engine.result = GraphQLResponse(Outcome.EXECUTED, data={"text": "x" * 10_000})
    post = POST.replace(b"host: x", b"host: x\r\naccept-encoding: gzip")
    async with served(make_app()) as (_, connect):
        reader, writer = await connect()
        writer.write(post)

        _, headers, body = await read(reader)

    assert headers[b"content-encoding"] == b"gzip"
    assert len(gzip.decompress(body)) == 10_020
