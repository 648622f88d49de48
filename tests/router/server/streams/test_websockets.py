"""Clients over WebSocket: the protocol, its close codes, its bounds, and clients that mean no good."""

from __future__ import annotations

import asyncio
import base64
import time

import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from router.execution.errors import SubgraphUnreachableError
from router.policy.identity import Identity, InvalidTokenError

PROTOCOL = "graphql-transport-ws"
ACK = {"type": "connection_ack"}


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.002)


class Talk:
    """A client that says exactly what the test wants."""

    def __init__(self, socket):
        self.socket = socket

    async def say(self, **message):
        await self.socket.send(orjson.dumps(message).decode())

    async def hear(self):
        return orjson.loads(await asyncio.wait_for(self.socket.recv(), 30))

    async def greet(self, **payload):
        await self.say(type="connection_init", payload=payload)
        assert await self.hear() == ACK

    async def subscribe(self, number, query, **more):
        await self.say(type="subscribe", id=number, payload={"query": query, **more})

    async def closed(self):
        try:
            while True:
                await asyncio.wait_for(self.socket.recv(), 30)
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd else None


@pytest.fixture
async def talk(serve):
    """Connect to a router with the given settings."""
    open_sockets = []

    async def start(yaml="", server=None, **options):
        trust = options.pop("trust", {})
        server = server or await serve(yaml, **trust)
        socket = await connect(server.socket_url, subprotocols=[PROTOCOL], **options)
        open_sockets.append(socket)
        made = Talk(socket)
        made.server = server
        return made

    yield start
    for socket in open_sockets:
        await socket.close()


def event(operation, number):
    return {"id": operation, "type": "next", "payload": {"data": {"ticks": number}}}


async def test_a_subscription_from_beginning_to_end(talk, clock):
    client = await talk()
    await client.greet()
    await client.subscribe("a", "subscription { ticks }")
    await clock.say(1, 2, None)

    assert [await client.hear() for _ in range(3)] == [event("a", 1), event("a", 2), {"id": "a", "type": "complete"}]


async def test_many_operations_on_one_connection(talk, clock):
    client = await talk()
    await client.greet()
    await client.subscribe("a", "subscription { ticks }")
    await client.subscribe("b", "subscription { ticks }")
    await client.subscribe("q", "{ now }")
    heard = [await client.hear() for _ in range(2)]
    assert heard == [
        {"id": "q", "type": "next", "payload": {"data": {"now": 1}}},
        {"id": "q", "type": "complete"},
    ]
    await clock.say(1)
    assert {(await client.hear())["id"] for _ in range(2)} == {"a", "b"}
    assert clock.opened == 1
    await client.say(type="complete", id="a")
    await client.say(type="complete", id="unheard-of")
    await client.say(type="ping")
    assert await client.hear() == {"type": "pong"}
    await clock.say(2)
    assert await client.hear() == event("b", 2)


async def test_mutations_and_variables(talk, clock):
    client = await talk()
    await client.greet()
    await client.subscribe("1", "mutation M { touch }", operationName="M")
    assert (await client.hear())["payload"] == {"data": {"touch": 1}}
    assert (await client.hear())["type"] == "complete"
    await client.subscribe("1", "query ($t: String) { echo(text: $t) }", variables={"t": "x"})
    assert (await client.hear())["payload"] == {"data": {"echo": "1"}}
    assert clock.requests[-1].variables == {"t": "x"}


async def test_wrong_operations_are_answered_with_error_messages(talk):
    client = await talk()
    await client.greet()
    for query, code in [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { no }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ no }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($n: Int!) { now }", "GRAPHQL_VALIDATION_FAILED"),
    ]:
        await client.subscribe("x", query)
        heard = await client.hear()
        assert (heard["id"], heard["type"]) == ("x", "error")
        assert heard["payload"][0]["extensions"]["code"] == code


async def test_a_source_that_breaks_ends_its_operation_only(talk, clock):
    client = await talk()
    await client.greet()
    await client.subscribe("a", "subscription { ticks }")
    await clock.say(SubgraphUnreachableError("cut off"))
    heard = await client.hear()
    assert (heard["type"], heard["payload"][0]["extensions"]["service"]) == ("error", "clock")
    await client.subscribe("a", "{ now }")
    assert (await client.hear())["type"] == "next"


async def test_pings_are_answered_at_any_time(talk):
    client = await talk()
    await client.say(type="ping", payload={"a": 1})
    assert await client.hear() == {"type": "pong", "payload": {"a": 1}}
    await client.say(type="pong")
    await client.greet()
    await client.say(type="pong")
    await client.say(type="ping")
    assert await client.hear() == {"type": "pong"}


INIT = {"type": "connection_init"}
SUBSCRIBE = {"type": "subscribe", "id": "1", "payload": {"query": "subscription { ticks }"}}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([SUBSCRIBE], 4401),
        ([INIT, INIT], 4429),
        ([INIT, SUBSCRIBE, SUBSCRIBE], 4409),
        (["{"], 4400),
        ([INIT, "{"], 4400),
        ([INIT, "[]"], 4400),
        ([INIT, "null"], 4400),
        ([INIT, '"x"'], 4400),
        ([INIT, {"type": "start"}], 4400),
        ([{"type": "start"}], 4400),
        ([INIT, {"type": 1}], 4400),
        ([INIT, {"id": "1"}], 4400),
        ([INIT, {"type": "subscribe", "id": "1"}], 4400),
        ([INIT, {"type": "subscribe", "id": "", "payload": {"query": "{ now }"}}], 4400),
        ([INIT, {"type": "subscribe", "id": 7, "payload": {"query": "{ now }"}}], 4400),
        ([INIT, {"type": "subscribe", "id": "1", "payload": {"query": 7}}], 4400),
        ([INIT, {"type": "subscribe", "id": "1", "payload": {"query": "{ now }", "variables": []}}], 4400),
        ([INIT, b"\x00\x01"], 4400),
        ([INIT, "[" * 100_000], 4400),
        ([INIT, '{"type":"' + "x" * 2_000_000 + '"}'], 1009),
    ],
)
async def test_broken_rules_close_the_connection(talk, messages, code):
    client = await talk()
    for message in messages:
        text = orjson.dumps(message).decode() if isinstance(message, dict) else message
        await client.socket.send(text)
    assert await client.closed() == code


async def test_a_client_must_begin_in_time(talk):
    client = await talk("subscriptions: {websocket: {init_timeout: 0.05}}")
    assert await client.closed() == 4408


async def test_a_client_must_know_the_protocol(serve):
    server = await serve()
    for offered in (None, ["graphql-ws"], ["soap"]):
        async with connect(server.socket_url, subprotocols=offered) as socket:
            assert await Talk(socket).closed() == 4406


async def test_other_paths_and_origins_are_refused(serve):
    server = await serve("cors: {origins: ['http://shop.example']}")

    async def status(url, **headers):
        try:
            async with connect(url, subprotocols=[PROTOCOL], additional_headers=headers) as socket:
                return 101 if socket.subprotocol else None
        except InvalidStatus as error:
            return error.response.status_code

    assert await status(server.socket_url + "/no") == 404
    assert await status(server.socket_url, Origin="http://evil.example") == 403
    assert await status(server.socket_url, Origin="null") == 403
    assert await status(server.socket_url, Origin="http://shop.example") == 101
    assert await status(server.socket_url, Origin=f"http://127.0.0.1:{server.port}") == 101


async def test_only_so_many_connections(talk, serve):
    first = await talk("subscriptions: {websocket: {max_connections: 1}}")
    await first.greet()
    with pytest.raises(InvalidStatus) as caught:
        await talk(server=first.server)
    assert caught.value.response.status_code == 503
    await first.socket.close()
    await until(lambda: not first.server.server_state.connections)
    await (await talk(server=first.server)).greet()


async def test_only_so_many_operations(talk):
    client = await talk("subscriptions: {websocket: {max_operations: 2}}")
    await client.greet()
    for number in "abc":
        await client.subscribe(number, "subscription { ticks }")
    heard = await client.hear()
    assert (heard["id"], heard["payload"][0]["extensions"]["code"]) == ("c", "TOO_MANY_OPERATIONS")


class Verifier:
    """Knows two tokens."""

    def __init__(self, expires_at=float("inf")):
        self.alice = Identity("alice", "customer", expires_at=expires_at)

    def remembered(self, authorization):
        return None

    async def identify(self, authorization):
        if authorization == b"Bearer good":
            return self.alice
        raise InvalidTokenError("the token is not valid")


@pytest.mark.parametrize("payload", [{"Authorization": "Bearer good"}, {"headers": {"authorization": "Bearer good"}}])
async def test_who_the_client_is_stands_in_its_greeting(talk, clock, payload):
    client = await talk(trust={"verifier": Verifier()})
    await client.greet(**payload)
    await client.subscribe("1", "subscription { ticks }")
    await until(lambda: clock.requests)
    assert clock.requests[0].value.id == "alice"


async def test_a_client_whose_token_does_not_hold_is_sent_away(talk):
    client = await talk(trust={"verifier": Verifier()})
    await client.say(type="connection_init", payload={"Authorization": "Bearer bad"})
    assert await client.closed() == 4403


async def test_the_connection_ends_with_the_credentials(talk, clock):
    client = await talk(trust={"verifier": Verifier(time.time() + 0.3)})
    await client.greet(authorization="Bearer good")
    await client.subscribe("1", "subscription { ticks }")
    await clock.say(1)
    assert await client.hear() == event("1", 1)
    assert await client.closed() == 4403


async def test_a_client_that_goes_closes_its_sources(talk, clock):
    client = await talk()
    await client.greet()
    await client.subscribe("1", "subscription { ticks }")
    await until(lambda: clock.sources)
    client.socket.transport.abort()
    await until(lambda: not clock.sources)


async def test_the_server_says_goodbye(talk, clock):
    client = await talk()
    await client.greet()
    await client.subscribe("1", "subscription { ticks }")
    await until(lambda: clock.sources)
    stopping = asyncio.create_task(client.server.stop())
    assert await client.closed() == 1001
    await stopping


class Raw:
    """A client on a bare socket, which need not behave."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, server, early=b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1_000)
        key = base64.b64encode(b"0123456789abcdef")
        writer.write(
            b"GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-protocol: graphql-transport-ws\r\n"
            b"sec-websocket-key: %b\r\n\r\n%b" % (key, early)
        )
        return cls(reader, writer)

    @staticmethod
    def frame(text, opcode=1):
        size = len(text)
        length = bytes([128 | size]) if size < 126 else bytes([128 | 126]) + size.to_bytes(2, "big")
        return bytes([128 | opcode]) + length + b"\0\0\0\0" + text

    def say(self, text, opcode=1):
        self.writer.write(self.frame(text, opcode))


INIT_TEXT = b'{"type":"connection_init"}'


async def test_what_is_sent_right_behind_the_handshake_is_heard(serve):
    client = await Raw.open(await serve(), Raw.frame(INIT_TEXT))
    head = await client.reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"x-request-id" in head.lower()
    assert b"connection_ack" in await client.reader.read(100)
    client.writer.close()


async def test_a_half_open_connection_is_found_by_its_silence(serve, clock):
    server = await serve("subscriptions: {websocket: {ping_interval: 0.05, ping_timeout: 0.1}}")
    client = await Raw.open(server)
    client.say(INIT_TEXT)
    client.say(b'{"type":"subscribe","id":"1","payload":{"query":"subscription { ticks }"}}')
    await until(lambda: clock.sources)
    await until(lambda: not clock.sources)
    client.writer.close()


async def test_a_reader_that_takes_nothing_is_cut_off(serve, clock):
    server = await serve("subscriptions: {buffer: 10, stall_timeout: 0.2}")
    client = await Raw.open(server)
    client.writer.transport.pause_reading()
    client.say(INIT_TEXT)
    query = b'"query":"subscription ($n: Int!) { words(count: $n, size: 100000) }","variables":{"n":300}'
    client.say(b'{"type":"subscribe","id":"1","payload":{%b}}' % query)
    await until(lambda: clock.opened)
    await until(lambda: not clock.sources and not server.server_state.connections)
    client.writer.close()


async def test_a_flood_of_pings_from_a_client_that_does_not_read_is_not_piled_up(serve):
    server = await serve("subscriptions: {stall_timeout: 0.5}")
    client = await Raw.open(server)
    client.writer.transport.pause_reading()
    client.say(INIT_TEXT)
    ping = Raw.frame(b'{"type":"ping","payload":{"x":"%b"}}' % (b"x" * 1_000))

    async def flood():
        while True:
            client.writer.write(ping * 100)
            await client.writer.drain()

    with pytest.raises((ConnectionError, TimeoutError)):
        await asyncio.wait_for(flood(), 30)
    await until(lambda: not server.server_state.connections)


async def test_a_flood_of_operations_is_bounded(talk):
    client = await talk("subscriptions: {websocket: {max_operations: 10}}")
    await client.greet()
    for number in range(1_000):
        await client.subscribe(str(number), "subscription { ticks }")
    refused = [await client.hear() for _ in range(990)]
    assert {each["type"] for each in refused} == {"error"}


@pytest.mark.parametrize(
    "head",
    [
        b"sec-websocket-version: 8\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n",
        b"sec-websocket-version: 13\r\nsec-websocket-key: short\r\n",
        b"sec-websocket-version: 13\r\n",
    ],
)
async def test_a_handshake_that_is_none_is_refused(serve, head):
    server = await serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        b"GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" + head + b"\r\n\x81\x05"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_frames_that_are_none_close_the_connection(serve):
    server = await serve()
    client = await Raw.open(server, b"\xff\xff\xff\xff garbage")
    async with asyncio.timeout(5):
        assert (await client.reader.read(10_000)).startswith(b"HTTP/1.1 101")
        while piece := await client.reader.read(1_000):
            assert piece
    client.writer.close()
    await until(lambda: not server.server_state.connections)
