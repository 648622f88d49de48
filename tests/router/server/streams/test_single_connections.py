"""The single connection mode of graphql-sse: one event stream for all operations of a client, byte for byte."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx
import pytest

from tests.router.server.streams.conftest import until

TOKEN = "x-graphql-event-stream-token"
TICKS = "subscription { ticks }"
WORDS = "subscription ($n: Int!) { words(count: $n, size: 100000) }"


class Sharing:
    """A client with a reservation."""

    def __init__(self, url: str, http: httpx.AsyncClient, token: str) -> None:
        self.url, self.http, self.token = url, http, token

    async def post(self, number, query, **variables):
        body = {"query": query, "variables": variables, "extensions": {"operationId": number} if number else {}}
        return await self.http.post(self.url, json=body, headers={TOKEN: self.token})

    async def stop(self, number):
        return await self.http.delete(self.url, params={"operationId": number}, headers={TOKEN: self.token})

    def opened(self, **headers):
        return self.http.stream("GET", self.url, headers={"accept": "text/event-stream", TOKEN: self.token, **headers})


@asynccontextmanager
async def reserved(server):
    async with httpx.AsyncClient(timeout=10) as http:
        response = await http.put(server.url)
        assert response.status_code == 201
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        yield Sharing(server.url, http, response.text)


async def test_all_operations_on_one_stream(serve, clock):
    server = await serve()
    async with reserved(server) as client, client.opened() as stream:
        parts = stream.aiter_raw()
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert await anext(parts) == b":\n\n"
        accepted = await client.post("t", TICKS)
        assert (accepted.status_code, accepted.text) == (202, "")
        await clock.say(7)
        assert await anext(parts) == b'event: next\ndata: {"id":"t","payload":{"data":{"ticks":7}}}\n\n'
        assert (await client.post("q", "{ now }")).status_code == 202
        heard = await anext(parts)
        while b"complete" not in heard:
            heard += await anext(parts)
        assert heard == (
            b'event: next\ndata: {"id":"q","payload":{"data":{"now":1}}}\n\nevent: complete\ndata: {"id":"q"}\n\n'
        )
        assert (await client.stop("t")).status_code == 200
        await until(lambda: not clock.sources)
        assert (await client.stop("t")).status_code == 200


async def test_what_happens_before_the_stream_is_open_waits(serve, clock):
    server = await serve()
    async with reserved(server) as client:
        await client.post("q", "{ now }")
        await client.post("t", TICKS)
        await clock.say(1, 2, 3)
        async with client.opened() as stream:
            text = b""
            async for part in stream.aiter_raw():
                text += part
                if b'"ticks":3' in text:
                    break
    assert text.index(b'{"id":"q"}') < text.index(b'"ticks":1') < text.index(b'"ticks":2')


async def test_the_token_may_stand_in_the_address(serve):
    """An EventSource of a browser can send no header."""
    server = await serve()
    async with reserved(server) as client:
        address = f"{server.url}?token={client.token}"
        async with client.http.stream("GET", address, headers={"accept": "text/event-stream"}) as stream:
            assert stream.status_code == 200
            assert await anext(stream.aiter_raw()) == b":\n\n"


async def test_what_is_refused(serve):
    server = await serve()
    async with reserved(server) as client, client.opened() as stream:
        parts = stream.aiter_raw()
        await anext(parts)
        async with client.opened() as second:
            assert second.status_code == 409
        nobody = Sharing(client.url, client.http, "x")
        async with nobody.opened() as unknown:
            assert unknown.status_code == 404
        assert (await nobody.post("1", "{ now }")).status_code == 404
        assert (await nobody.stop("1")).status_code == 404
        assert (await client.post(None, "{ now }")).status_code == 400
        invalid = await client.post("1", "{ never }")
        assert (invalid.status_code, invalid.json()["errors"][0]["extensions"]["code"]) == (
            200,
            "GRAPHQL_VALIDATION_FAILED",
        )
        assert (await client.http.delete(client.url, headers={TOKEN: client.token})).status_code == 400
        assert (await client.post("t", TICKS)).status_code == 202
        taken = await client.post("t", TICKS)
        assert (taken.status_code, taken.json()["errors"][0]["extensions"]["code"]) == (409, "OPERATION_ID_TAKEN")


async def _put(server):
    async with httpx.AsyncClient(timeout=10) as http:
        return await http.put(server.url)


async def test_bounds(serve, clock):
    yaml = "subscriptions: {single_connections: {max_connections: 1, max_operations: 1}}"
    server = await serve(yaml)
    async with reserved(server) as client:
        assert (await _put(server)).status_code == 503
        assert (await client.post("1", TICKS)).status_code == 202
        assert (await client.post("2", TICKS)).status_code == 429


async def test_a_reservation_that_nobody_takes_up_ends(serve, clock):
    server = await serve("subscriptions: {single_connections: {reservation_timeout: 0.05}}")
    async with reserved(server) as client:
        await client.post("1", TICKS)
        await until(lambda: clock.opened)
        await until(lambda: not clock.sources)
        assert (await client.stop("1")).status_code == 404


async def test_operations_end_with_the_stream(serve, clock):
    server = await serve()
    async with reserved(server) as client:
        async with client.opened() as stream:
            parts = stream.aiter_raw()
            await anext(parts)
            await client.post("1", TICKS)
            await until(lambda: clock.sources)
        await until(lambda: not clock.sources)
        assert (await client.stop("1")).status_code == 404


async def test_a_client_that_takes_nothing_is_cut_off(serve, clock):
    server = await serve("subscriptions: {stall_timeout: 0.2, buffer: 2}")
    async with reserved(server) as client, client.opened() as stream:
        parts = stream.aiter_raw()
        await anext(parts)
        await client.post("w", WORDS, n=300)
        await until(lambda: clock.opened)
        await until(lambda: not clock.sources)
        with pytest.raises(httpx.HTTPError):
            [part async for part in parts]


async def test_errors_come_as_results(serve):
    server = await serve()
    async with reserved(server) as client, client.opened() as stream:
        parts = stream.aiter_raw()
        await anext(parts)
        await client.post("w", WORDS, n="many")
        heard = await anext(parts)
        while b"complete" not in heard:
            heard += await anext(parts)
        assert heard.startswith(b'event: next\ndata: {"id":"w","payload":{"errors":[{"message":')
        assert heard.endswith(b'event: complete\ndata: {"id":"w"}\n\n')


async def test_several_workers_know_nothing_of_it(serve):
    server = await serve("server: {workers: 2}")
    assert (await _put(server)).status_code == 405
