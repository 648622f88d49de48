"""The HTTP client against servers that behave, and against servers that do not."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import zlib

import orjson
import pytest

from router.execution import (
    MalformedResponseError,
    ResponseTooLargeError,
    SubgraphTimeoutError,
    SubgraphUnreachableError,
)
from router.execution.transports import SubgraphOperation, SubgraphRequest
from router.execution.transports.http import HttpNetwork, HttpSettings
from router.execution.transports.http.address import parse_address

GOOD = b'{"data":{"a":1}}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def answer(body=GOOD, *, head=HEAD):
    return head + b"content-length: %d\r\n\r\n%b" % (len(body), body)


class Server:
    """Reads whole HTTP requests and hands each to a behaviour, which writes what it likes."""

    def __init__(self, behaviour):
        self.behaviour = behaviour
        self.requests = []
        self.connections = 0
        self.open = 0
        self.writers = []

    async def serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
                body = await reader.readexactly(int(headers[b"content-length"]))
                self.requests.append((head, headers, body))
                if await self.behaviour(writer, len(self.requests)) is False:
                    break
                await writer.drain()
        self.open -= 1
        writer.close()


@contextlib.asynccontextmanager
async def serving(behaviour, **settings):
    """Run a server and a network that leads to it."""
    server = Server(behaviour)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with HttpNetwork({"a": f"http://127.0.0.1:{port}/graphql?x=1"}, HttpSettings(**settings)) as network:
        try:
            yield server, network.transports["a"]
        finally:
            listener.close()
            for writer in server.writers:
                writer.close()


def writes(*parts, close=False, pause=0.0):
    async def behaviour(writer, _count):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        return not close

    return behaviour


def request(kind="query", timeout=5.0, headers=(), **variables):
    operation = SubgraphOperation("a", kind, f"{kind} {{ a }}", None)
    return SubgraphRequest(operation, variables, headers, timeout)


async def test_a_request_as_it_should_be():
    async with serving(writes(answer())) as (server, transport):
        response = await transport.send(request(headers=(("authorization", "Bearer x"),), n="é"))
    assert (response.status, response.body, response.media_type) == (200, GOOD, "application/json")
    head, headers, body = server.requests[0]
    assert head.startswith(b"POST /graphql?x=1 HTTP/1.1\r\n")
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"authorization"] == b"bearer x"
    assert orjson.loads(body) == {"query": "query { a }", "variables": {"n": "é"}}


async def test_connections_are_kept_and_bounded():
    async with serving(writes(answer(), pause=0.005), max_connections=3, share=False) as (server, transport):
        for _ in range(2):
            responses = await asyncio.gather(*(transport.send(request()) for _ in range(12)))
            assert all(each.body == GOOD for each in responses)
        assert len(server.requests) == 24
        assert server.connections == 3


async def test_equal_queries_are_sent_once():
    async with serving(writes(answer(), pause=0.01)) as (server, transport):
        await asyncio.gather(*(transport.send(request(n=1)) for _ in range(5)), transport.send(request(n=2)))
        assert len(server.requests) == 2
        await asyncio.gather(*(transport.send(request("mutation")) for _ in range(3)))
        assert len(server.requests) == 5


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compressed_responses(encoding):
    body = gzip.compress(GOOD) if encoding == "gzip" else zlib.compress(GOOD)
    head = HEAD + f"content-encoding: {encoding}\r\n".encode()
    async with serving(writes(answer(body, head=head))) as (server, transport):
        assert (await transport.send(request())).body == GOOD
        assert b"gzip" in server.requests[0][1][b"accept-encoding"]


async def test_chunked_and_unbounded_responses():
    chunked = HEAD + b"transfer-encoding: chunked\r\n\r\n"
    async with serving(writes(chunked, b"8\r\n" + GOOD[:8] + b"\r\n", b"8\r\n" + GOOD[8:] + b"\r\n0\r\n\r\n")) as (
        _,
        transport,
    ):
        assert (await transport.send(request())).body == GOOD
    async with serving(writes(HEAD + b"\r\n", GOOD, close=True)) as (_, transport):
        assert (await transport.send(request())).body == GOOD
    async with serving(writes(b"HTTP/1.1 103 Early\r\n\r\n" + answer())) as (_, transport):
        assert (await transport.send(request())).body == GOOD


async def test_statuses_are_told():
    head = b"HTTP/1.1 503 Sorry\r\ncontent-type: text/plain\r\n"
    async with serving(writes(answer(b"no", head=head))) as (_, transport):
        response = await transport.send(request())
    assert (response.status, response.body, response.media_type) == (503, b"no", "text/plain")


BOMB = gzip.compress(b" " * 5_000_000)


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (writes(close=True), SubgraphUnreachableError),
        (writes(HEAD, close=True), SubgraphUnreachableError),
        (writes(answer()[:-3], close=True), SubgraphUnreachableError),
        (writes(HEAD + b"transfer-encoding: chunked\r\n\r\n8\r\nabc", close=True), SubgraphUnreachableError),
        (writes(b"hello there\r\n\r\n"), MalformedResponseError),
        (writes(b"\0" * 100), MalformedResponseError),
        (writes(HEAD + b"content-length: -5\r\n\r\n"), MalformedResponseError),
        (writes(HEAD + b"x: " + b"y" * 70_000 + b"\r\n\r\n"), ResponseTooLargeError),
        (writes(HEAD + b"content-length: 999999999999\r\n\r\n"), ResponseTooLargeError),
        (writes(HEAD + b"transfer-encoding: chunked\r\n\r\n", b"20000\r\n" + b" " * 0x20000), ResponseTooLargeError),
        (writes(answer(BOMB, head=HEAD + b"content-encoding: gzip\r\n")), ResponseTooLargeError),
        (writes(answer(b"junk", head=HEAD + b"content-encoding: gzip\r\n")), MalformedResponseError),
        (writes(answer(gzip.compress(GOOD)[:-9], head=HEAD + b"content-encoding: gzip\r\n")), MalformedResponseError),
        (writes(answer(b"junk", head=HEAD + b"content-encoding: br\r\n")), MalformedResponseError),
        (writes(), SubgraphTimeoutError),
        (writes(*(bytes([each]) for each in answer()), pause=0.05), SubgraphTimeoutError),
    ],
)
async def test_faults_are_named_in_time(behaviour, error):
    async with serving(behaviour, max_response_bytes=100_000) as (server, transport):
        async with asyncio.timeout(3):
            with pytest.raises(error):
                await transport.send(request("mutation", timeout=0.5))
        await asyncio.sleep(0.02)
        server.behaviour = writes(answer())
        assert (await transport.send(request("mutation"))).body == GOOD


async def test_a_connection_that_died_while_idle_is_replaced():
    async def once(writer, count):
        writer.write(answer())
        await writer.drain()
        return count != 1

    async with serving(once) as (server, transport):
        await transport.send(request())
        assert (await transport.send(request())).body == GOOD
        assert server.connections == 2


async def test_a_query_is_sent_again_where_a_kept_connection_broke_and_a_mutation_is_not():
    async def second_breaks(writer, count):
        if count == 2:
            writer.transport.abort()
            return False
        writer.write(answer())
        return True

    async with serving(second_breaks) as (server, transport):
        await transport.send(request())
        assert (await transport.send(request())).body == GOOD
        assert len(server.requests) == 3
    async with serving(second_breaks) as (server, transport):
        await transport.send(request("mutation"))
        with pytest.raises(SubgraphUnreachableError):
            await transport.send(request("mutation"))
        assert len(server.requests) == 2


async def test_nobody_listens():
    async with HttpNetwork({"a": "http://127.0.0.1:9/"}) as network:
        with pytest.raises(SubgraphUnreachableError, match="cannot connect"):
            await network.transports["a"].send(request())


async def test_cancelling_closes_the_connection_and_leaves_no_task():
    before = asyncio.all_tasks()
    async with serving(writes()) as (server, transport):
        pending = [asyncio.ensure_future(transport.send(request(n=each))) for each in range(3)]
        await asyncio.sleep(0.05)
        assert server.open == 3
        for each in pending:
            each.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await asyncio.sleep(0.05)
        assert server.open == 0
    await asyncio.sleep(0.02)
    assert asyncio.all_tasks() <= before


async def test_idle_connections_are_closed():
    async with serving(writes(answer()), idle_seconds=0.1) as (server, transport):
        await transport.send(request(timeout=0.05))
        await asyncio.sleep(0.4)
        assert server.open == 0


async def test_headers_cannot_break_out():
    async with serving(writes(answer())) as (server, transport):
        with pytest.raises(SubgraphUnreachableError):
            await transport.send(request(headers=(("x", "1\r\nevil: 2"),)))
        assert not server.requests


@pytest.mark.parametrize("url", ["ftp://a/", "nothing", "http://", "http://a/ b"])
def test_addresses_that_are_none(url):
    with pytest.raises(ValueError, match=r"URL|escaped"):
        parse_address(url)


async def test_headers_that_somebody_wants_are_kept():
    head = HEAD + b"X-Region: eu\r\nx-region: us\r\nSet-Cookie: a=1\r\nx-other: 1\r\n"
    kept = (("x-region", "eu"), ("x-region", "us"), ("set-cookie", "a=1"))
    async with serving(writes(answer(head=head)), wanted={"x-region", "set-cookie"}.__contains__) as (_, transport):
        for _ in range(3):  # a head that is known is no other
            assert (await transport.send(request())).headers == kept
    async with serving(writes(answer(head=head))) as (_, transport):
        assert (await transport.send(request())).headers == ()
