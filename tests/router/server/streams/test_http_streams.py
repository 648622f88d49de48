"""Subscriptions over server-sent events and multipart, byte for byte."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import httpx
import orjson
import pytest

from router.execution.errors import SubgraphUnreachableError

APOLLO = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"
TICKS = {"query": "subscription { ticks }"}
WORDS = {"query": "subscription ($n: Int!) { words(count: $n, size: 100000) }", "variables": {"n": 300}}


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.002)


@asynccontextmanager
async def posted(server, accept, body=None, **headers):
    async with (
        httpx.AsyncClient(timeout=10) as client,
        client.stream("POST", server.url, json=body or TICKS, headers={"accept": accept, **headers}) as response,
    ):
        yield response


async def whole(response):
    return b"".join([part async for part in response.aiter_raw()])


async def test_server_sent_events(serve, clock):
    server = await serve()
    async with posted(server, "text/event-stream") as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        await clock.say(1, 2, None)
        assert await whole(response) == (
            b":\n\n"
            b'event: next\ndata: {"data":{"ticks":1}}\n\n'
            b'event: next\ndata: {"data":{"ticks":2}}\n\n'
            b"event: complete\ndata: \n\n"
        )


async def test_events_arrive_when_they_happen(serve, clock):
    server = await serve()
    async with posted(server, "text/event-stream") as response:
        parts = response.aiter_raw()
        assert await anext(parts) == b":\n\n"
        for number in range(3):
            await clock.say(number)
            assert await anext(parts) == b'event: next\ndata: {"data":{"ticks":%d}}\n\n' % number


async def test_apollo_multipart(serve, clock):
    server = await serve()
    async with posted(server, APOLLO) as response:
        assert response.headers["content-type"] == 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
        await clock.say(1, 2, None)
        assert await whole(response) == (
            b"\r\n--graphql"
            b'\r\ncontent-type: application/json\r\n\r\n{"payload":{"data":{"ticks":1}}}\r\n--graphql'
            b'\r\ncontent-type: application/json\r\n\r\n{"payload":{"data":{"ticks":2}}}\r\n--graphql'
            b"--\r\n"
        )


async def test_apollo_multipart_without_events_says_so_with_an_empty_part(serve, clock):
    server = await serve()
    async with posted(server, APOLLO) as response:
        await clock.say(None)
        part = b"\r\ncontent-type: application/json\r\n\r\n{}"
        assert await whole(response) == b"\r\n--graphql" + part + b"\r\n--graphql--\r\n"


async def test_plain_multipart(serve, clock):
    server = await serve()
    async with posted(server, "multipart/mixed") as response:
        assert response.headers["content-type"] == 'multipart/mixed; boundary="-"'
        await clock.say(1, None)
        assert await whole(response) == (
            b'\r\n---\r\ncontent-type: application/json\r\n\r\n{"data":{"ticks":1}}\r\n-----\r\n'
        )


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("application/graphql-response+json, application/json, text/event-stream, multipart/mixed", "text/event-st"),
        ("text/event-stream;q=0.5, multipart/mixed;subscriptionSpec=1.0", "multipart/mixed"),
        ('multipart/mixed;deferSpec=20220824, multipart/mixed;subscriptionSpec="1.0"', "multipart/mixed"),
    ],
)
async def test_the_client_chooses(serve, clock, accept, media):
    server = await serve()
    async with posted(server, accept) as response:
        assert response.headers["content-type"].startswith(media)
        await clock.say(None)


async def test_signs_of_life(serve, clock):
    server = await serve("subscriptions: {heartbeat: 0.02}")
    async with posted(server, "text/event-stream") as response:
        parts = response.aiter_raw()
        assert [await anext(parts) for _ in range(3)] == [b":\n\n"] * 3
    async with posted(server, APOLLO) as response:
        parts = response.aiter_raw()
        assert await anext(parts) == b"\r\n--graphql"
        assert await anext(parts) == b"\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql"


async def test_a_source_that_breaks_is_told_at_the_end(serve, clock):
    server = await serve()
    for accept in ("text/event-stream", APOLLO):
        async with posted(server, accept) as response:
            await clock.say(1, SubgraphUnreachableError("cut off"))
            text = await whole(response)
        assert text.count(b"SUBREQUEST_HTTP_ERROR") == 1
        assert (b'{"payload":null,"errors":[' in text) == (accept == APOLLO)
        assert text.endswith((b"event: complete\ndata: \n\n", b"--\r\n"))


async def test_a_client_that_goes_closes_its_source(serve, clock):
    server = await serve()
    async with posted(server, "text/event-stream") as response:
        await anext(response.aiter_raw())
        await until(lambda: clock.sources)
    await until(lambda: not clock.sources)


async def test_without_a_stream_a_subscription_is_refused(serve, clock):
    server = await serve()
    async with httpx.AsyncClient() as client:
        for accept in ("application/json", "*/*", "application/graphql-response+json"):
            response = await client.post(server.url, json=TICKS, headers={"accept": accept})
            assert response.status_code == 406
            assert response.json()["errors"][0]["extensions"]["code"] == "SUBSCRIPTION_BAD_HEADER"
        defer = {"accept": "multipart/mixed;deferSpec=20220824"}
        response = await client.post(server.url, json=TICKS, headers=defer)
        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (
            406,
            "INVALID_ACCEPT_HEADER",
        )
    assert not clock.opened


async def test_what_has_one_answer_gets_one_document(serve):
    server = await serve()
    accept = "application/json, text/event-stream, multipart/mixed"
    async with httpx.AsyncClient() as client:
        response = await client.post(server.url, json={"query": "{ now }"}, headers={"accept": accept})
        assert (response.headers["content-type"], response.json()) == (
            "application/json; charset=utf-8",
            {"data": {"now": 1}},
        )
        response = await client.post(server.url, json={"query": "{ nothing }"}, headers={"accept": accept})
        assert response.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_who_takes_only_streams_gets_one_for_everything(serve):
    server = await serve()
    async with httpx.AsyncClient() as client:
        for query, answer in [("{ now }", {"data": {"now": 1}}), ("mutation { touch }", {"data": {"touch": 1}})]:
            response = await client.post(server.url, json={"query": query}, headers={"accept": "text/event-stream"})
            assert response.content == (
                b":\n\nevent: next\ndata: " + orjson.dumps(answer) + b"\n\nevent: complete\ndata: \n\n"
            )
        response = await client.post(server.url, json={"query": "{ no"}, headers={"accept": "text/event-stream"})
        assert b"GRAPHQL_PARSE_FAILED" in response.content
        response = await client.post(
            server.url, json={"query": "subscription { no }"}, headers={"accept": "text/event-stream"}
        )
        assert b"GRAPHQL_VALIDATION_FAILED" in response.content


async def test_by_get(serve, clock):
    server = await serve()
    headers = {"accept": "text/event-stream"}
    async with httpx.AsyncClient() as client:
        forged = await client.get(server.url, params=TICKS, headers=headers)
        assert forged.json()["errors"][0]["extensions"]["code"] == "CSRF_ERROR"
        headers["apollo-require-preflight"] = "1"
        async with client.stream("GET", server.url, params=TICKS, headers=headers) as response:
            await clock.say(7, None)
            assert b'{"data":{"ticks":7}}' in await whole(response)
        changed = await client.get(server.url, params={"query": "mutation { touch }"}, headers=headers)
        assert changed.status_code == 405
        patched = await client.patch(server.url, json=TICKS, headers=headers)
        assert patched.status_code == 405


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 406),
        (b"null", "application/json", 400),
        (b"{}", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b'{"query": 1}', "application/json", 400),
        (b'"' + b"x" * 3_000_000 + b'"', "application/json", 413),
    ],
)
async def test_what_is_no_request_is_refused_as_ever(serve, body, content_type, status):
    server = await serve()
    async with httpx.AsyncClient() as client:
        headers = {"accept": "text/event-stream", "content-type": content_type}
        response = await client.post(server.url, content=body, headers=headers)
        assert response.status_code == status


async def test_no_more_than_the_bound_are_open(serve, clock):
    server = await serve("subscriptions: {max_open: 1}")
    async with posted(server, "text/event-stream") as first:
        await anext(first.aiter_raw())
        async with posted(server, "text/event-stream") as second:
            assert b"SUBSCRIPTION_LIMIT_REACHED" in await whole(second)


async def test_a_connection_is_kept_after_a_stream(serve, clock):
    server = await serve()
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=1)) as client:
        for _ in range(2):
            async with client.stream("POST", server.url, json=TICKS, headers={"accept": APOLLO}) as response:
                await clock.say(1, None)
                await whole(response)
            assert (await client.post(server.url, json={"query": "{ now }"})).json() == {"data": {"now": 1}}
        assert len(server.server_state.connections) == 1


async def test_http_1_0_reads_to_the_end(serve, clock):
    server = await serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    body = orjson.dumps(TICKS)
    writer.write(
        b"POST /graphql HTTP/1.0\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )
    await clock.say(1, None)
    head, _, text = (await reader.read()).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert text.startswith(b":\n\nevent: next")
    assert text.endswith(b"event: complete\ndata: \n\n")
    writer.close()


async def test_a_reader_that_takes_nothing_is_cut_off_and_the_others_go_on(serve, clock):
    server = await serve("subscriptions: {buffer: 10, stall_timeout: 60}")
    _reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1_000)
    writer.transport.pause_reading()
    body = orjson.dumps(WORDS)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )
    async with posted(server, "text/event-stream") as quick:
        parts = quick.aiter_raw()
        await anext(parts)
        await until(lambda: len(clock.sources) == 1 and clock.opened == 2)
        await clock.say(5)
        assert b'"ticks":5' in await anext(parts)
    writer.close()


async def test_a_connection_that_stays_full_is_cut_off(serve, clock):
    server = await serve("subscriptions: {buffer: 1000, overflow: drop_oldest, stall_timeout: 0.1}")
    _reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1_000)
    writer.transport.pause_reading()
    body = orjson.dumps(WORDS)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )
    await until(lambda: clock.opened == 1)
    await until(lambda: not clock.sources)
    writer.close()


async def test_streams_end_in_order_when_the_server_does(serve, clock):
    server = await serve()
    async with posted(server, APOLLO) as response:
        parts = response.aiter_raw()
        await anext(parts)
        await clock.say(1)
        await anext(parts)
        stopping = asyncio.create_task(server.stop())
        rest = b"".join([part async for part in parts])
        assert b"SUBSCRIPTION_SERVER_SHUTDOWN" in rest
        assert rest.endswith(b"--\r\n")
        await stopping


async def test_a_stream_outlives_the_time_limit_of_requests(serve, clock, clock_supergraph):
    server = await serve("server: {request_timeout: 0.2}\nsubscriptions: {heartbeat: 0.3}")
    async with posted(server, "text/event-stream") as response:
        parts = response.aiter_raw()
        assert [await anext(parts) for _ in range(4)] == [b":\n\n"] * 4
