"""Streams from subgraphs by every protocol: what arrives, how it ends, what breaks it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import orjson
import pytest
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_WS_PROTOCOL
from websockets.asyncio.server import serve

from router.execution.errors import (
    MalformedResponseError,
    ResponseTooLargeError,
    SubgraphTimeoutError,
    SubgraphUnreachableError,
    TransportError,
    WebSocketError,
)
from router.execution.transports.streams import (
    InProcessStreams,
    MultipartStreams,
    ServerSentStreams,
    StreamLimits,
    WebSocketStreams,
)
from router.execution.transports.streams.http import StreamingClient

LIMITS = StreamLimits(connect_seconds=5, idle_seconds=5, max_event_bytes=10_000)
TICKS = 'subscription ($n: Int!, $name: String! = "") { ticks(count: $n, name: $name) }'


def data_of(event):
    return event.decoded if event.body is None else orjson.loads(event.body)


async def collect(streams, request, most=100):
    found = []
    async with asyncio.timeout(30), aclosing(streams.open(request)) as events:
        async for event in events:
            found.append(data_of(event))
            if len(found) == most:
                break
    return found


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.005)


def sse(url, limits=LIMITS):
    return ServerSentStreams(StreamingClient(url, limits))


def multipart(url, limits=LIMITS):
    return MultipartStreams(StreamingClient(url, limits))


def websocket(url, limits=LIMITS):
    return WebSocketStreams(url, limits)


# A real server ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("streams", "protocols"),
    [
        (websocket, (GRAPHQL_TRANSPORT_WS_PROTOCOL,)),
        (websocket, (GRAPHQL_WS_PROTOCOL,)),
        (websocket, ()),
        (multipart, ()),
        (sse, ()),
    ],
)
async def test_a_real_server(subgraphs, request_for, streams, protocols):
    async with subgraphs.run(subgraphs.strawberry(*protocols)) as url:
        transport = streams(url)
        assert await collect(transport, request_for(TICKS, {"n": 3})) == [{"data": {"ticks": n}} for n in range(3)]
        assert await collect(transport, request_for(TICKS, {"n": 0})) == []
        who = await collect(transport, request_for("subscription { who }", headers=[("x-user", "ann")]))
        assert "ann" in who[0]["data"]["who"]
        (_, failure) = await collect(transport, request_for("subscription { broken }"), most=2)
        assert "out of order" in failure["errors"][0]["message"]
        refused = await collect(transport, request_for("subscription { nothing }"))
        assert "nothing" in refused[0]["errors"][0]["message"]


@pytest.mark.parametrize("streams", [websocket, multipart, sse])
async def test_closing_ends_the_stream_in_the_subgraph(subgraphs, request_for, streams):
    name = streams.__name__
    async with subgraphs.run(subgraphs.strawberry()) as url:
        transport = streams(url)
        async with aclosing(transport.open(request_for(TICKS, {"n": -1, "name": name}))) as events:
            waiting = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0.1)
            waiting.cancel()
            await asyncio.wait((waiting,))
        await until(lambda: name in subgraphs.ended)


@pytest.mark.parametrize("streams", [websocket, multipart, sse])
async def test_nobody_is_there(request_for, streams):
    with pytest.raises(TransportError):
        await collect(streams("http://127.0.0.1:1/graphql"), request_for("subscription { ticks }"))


# Server-sent events ----------------------------------------------------------------------------------------------

ONE = b'event: next\ndata: {"data":{"n":1}}\n\n'
TWO = b'event: next\ndata: {"data":{"n":2}}\n\n'
END = b"event: complete\ndata: \n\n"
BOTH = [{"data": {"n": 1}}, {"data": {"n": 2}}]


@pytest.mark.parametrize(
    "pieces",
    [
        [ONE + TWO + END],
        [b":\n\n", ONE, b":\n\n", TWO, END, b"event: next\ndata: {}\n\n"],
        [bytes([each]) for each in ONE + TWO + END],
        [(ONE + TWO + END).replace(b"\n", b"\r\n")],
        [b'data: {"data":\ndata: {"n":1}}\n\n', b"id: 7\nretry: 10\n\n", TWO, END],
        [ONE, TWO],
    ],
)
async def test_server_sent_events_in_any_pieces(subgraphs, request_for, pieces):
    async with subgraphs.say(*pieces) as url:
        assert await collect(sse(url), request_for("subscription { n }")) == BOTH


async def test_a_document_in_place_of_a_stream_is_its_only_event(subgraphs, request_for):
    refusal = b'{"errors":[{"message":"no"}]}'
    for streams in (sse, multipart):
        async with subgraphs.say(refusal, media="application/json", status="400 Bad Request") as url:
            assert await collect(streams(url), request_for("subscription { n }")) == [{"errors": [{"message": "no"}]}]


async def test_an_event_without_end_is_not_waited_for(subgraphs, request_for):
    for streams, media in ((sse, "text/event-stream"), (multipart, 'multipart/mixed; boundary="-"')):
        async with subgraphs.say(*[b"x" * 1_000] * 20, media=media) as url:
            with pytest.raises(ResponseTooLargeError):
                await collect(streams(url), request_for("subscription { n }"))


async def test_an_event_is_told_when_it_has_come_and_not_when_more_has(subgraphs, request_for):
    event = b"\r\n--graphql" + part(b'{"data":{"n":1}}')
    for streams, piece, media in ((sse, ONE, "text/event-stream"), (multipart, event, APOLLO)):
        async with subgraphs.say(piece, media=media, stay=True) as url:
            assert await collect(streams(url), request_for("subscription { n }"), most=1) == BOTH[:1]


async def test_silence_breaks_a_stream(subgraphs, request_for):
    limits = StreamLimits(idle_seconds=0.2)
    async with subgraphs.say(ONE, stay=True) as url:
        with pytest.raises(SubgraphTimeoutError):
            await collect(sse(url, limits), request_for("subscription { n }"))


# Multipart -------------------------------------------------------------------------------------------------------


def part(body):
    return b"\r\ncontent-type: application/json\r\n\r\n" + body + b"\r\n--graphql"


APOLLO = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'


@pytest.mark.parametrize(
    "pieces",
    [
        [b"\r\n--graphql", part(b'{"payload":{"data":{"n":1}}}'), part(b"{}"), part(b'{"payload":{"data":{"n":2}}}')],
        [b"--graphql" + part(b'{"payload":{"data":{"n":1}}}') + part(b'{"payload":{"data":{"n":2}}}') + b"--\r\n"],
        [bytes([each]) for each in b"\r\n--graphql" + part(b'{"data":{"n":1}}') + part(b'{"data":{"n":2}}') + b"--"],
    ],
)
async def test_multipart_in_any_pieces(subgraphs, request_for, pieces):
    async with subgraphs.say(*pieces, media=APOLLO) as url:
        assert await collect(multipart(url), request_for("subscription { n }")) == BOTH


async def test_a_fatal_error_is_the_last_event(subgraphs, request_for):
    fatal = part(b'{"payload":null,"errors":[{"message":"gone"}]}')
    async with subgraphs.say(b"\r\n--graphql", fatal, b"--\r\n", media=APOLLO) as url:
        assert await collect(multipart(url), request_for("subscription { n }")) == [
            {"data": None, "errors": [{"message": "gone"}]}
        ]


@pytest.mark.parametrize("body", [b"nonsense", b"[]", b"7"])
async def test_parts_that_are_no_results(subgraphs, request_for, body):
    async with subgraphs.say(b"\r\n--graphql", part(body), media=APOLLO) as url:
        with pytest.raises(MalformedResponseError):
            await collect(multipart(url), request_for("subscription { n }"))


# WebSocket -------------------------------------------------------------------------------------------------------


async def talking(*answers, subprotocol="graphql-transport-ws"):
    """A WebSocket server that says one line for each that it hears."""
    heard = []

    async def handle(socket):
        for answer in answers:
            heard.append(orjson.loads(await socket.recv()))
            for line in answer:
                if line is None:
                    await socket.close(4400, "go away")
                    return
                await socket.send(line if isinstance(line, str | bytes) else orjson.dumps(line).decode())
        async for message in socket:
            heard.append(orjson.loads(message))  # noqa: PERF401 - the tests look on while it grows

    server = await serve(handle, "127.0.0.1", 0, subprotocols=[subprotocol])
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql", heard


ACK = {"type": "connection_ack"}


async def test_a_conversation_word_for_word(request_for):
    said = [{"type": "ping"}, {"id": "1", "type": "next", "payload": {"data": {"n": 1}}}]
    server, url, heard = await talking([{"type": "ping"}, ACK], [], said)
    async with server:
        request = request_for("subscription { n }", {"a": 1}, [("authorization", "Bearer x")])
        assert await collect(websocket(url), request, most=1) == [{"data": {"n": 1}}]
        await until(lambda: len(heard) == 5)
    assert heard == [
        {"type": "connection_init", "payload": {"authorization": "Bearer x"}},
        {"type": "pong"},
        {"id": "1", "type": "subscribe", "payload": {"query": "subscription { n }", "variables": {"a": 1}}},
        {"type": "pong"},
        {"id": "1", "type": "complete"},
    ]


async def test_the_older_dialect(request_for):
    said = [{"type": "ka"}, {"id": "1", "type": "data", "payload": {"data": {"n": 1}}}]
    server, url, heard = await talking([ACK, {"type": "ka"}], said, subprotocol="graphql-ws")
    async with server:
        assert await collect(websocket(url), request_for("subscription { n }"), most=1) == [{"data": {"n": 1}}]
        await until(lambda: len(heard) == 3)
    assert [each["type"] for each in heard] == ["connection_init", "start", "stop"]


@pytest.mark.parametrize(
    "answers",
    [
        [[{"type": "connection_error"}]],
        [["nonsense"]],
        [["[]"]],
        [["{}"]],
        [[None]],
        [[ACK], [None]],
        [[ACK], ['{"type":"next","x":"' + "x" * 20_000 + '"}']],
    ],
)
async def test_what_breaks_a_websocket(request_for, answers):
    server, url, _ = await talking(*answers)
    async with server:
        with pytest.raises(WebSocketError) as caught:
            await collect(websocket(url), request_for("subscription { n }"))
    assert caught.value.as_error("clock")["extensions"]["code"] == "SUBREQUEST_WEBSOCKET_ERROR"


async def test_a_subgraph_that_never_answers_is_not_waited_for(request_for):
    server, url, _ = await talking([])
    async with server:
        with pytest.raises(WebSocketError, match="in time"):
            await collect(websocket(url, StreamLimits(connect_seconds=0.1)), request_for("subscription { n }"))


# In this process -------------------------------------------------------------------------------------------------


async def test_in_this_process(request_for):
    seen = []

    async def subscribe(query, variables, operation_name, *, headers, context):
        seen.append((query, variables, headers, context))
        try:
            yield {"data": {"n": 1}}
            raise ValueError("broken")
        finally:
            seen.append("closed")

    streams = InProcessStreams(subscribe)
    request = request_for("subscription { n }", {"a": 1}, [("x", "y")])
    assert await collect(streams, request, most=1) == [{"data": {"n": 1}}]
    assert seen == [("subscription { n }", {"a": 1}, (("x", "y"),), None), "closed"]
    with pytest.raises(SubgraphUnreachableError, match="ValueError"):
        await collect(streams, request)
