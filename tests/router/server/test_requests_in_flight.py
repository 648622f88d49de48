"""Requests while they are answered: shared, out of time, abandoned, counted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from router.config import SharingSettings
from router.policy.identity import Identity

HELLO = {"query": "{ hello }"}


async def start(client: Any, engine: Any, *bodies: dict[str, Any], **options: Any) -> list[asyncio.Task[Any]]:
    """Send requests whose answers wait until the gate is opened."""
    engine.gate.clear()
    tasks = [asyncio.create_task(client.post("/graphql", json=body, **options)) for body in bodies]
    await asyncio.sleep(0.02)
    return tasks


async def finish(engine: Any, tasks: list[asyncio.Task[Any]]) -> list[Any]:
    engine.gate.set()
    return await asyncio.gather(*tasks)


async def test_equal_queries_are_answered_once(connect: Any, engine: Any) -> None:
    responses = await finish(engine, await start(connect(), engine, HELLO, HELLO, HELLO))

    assert len(engine.asked) == 1
    assert [response.json() for response in responses] == [{"data": {"hello": "world"}}] * 3
    assert len({response.headers["x-request-id"] for response in responses}) == 3


async def test_equal_gets_are_answered_once(connect: Any, engine: Any) -> None:
    client = connect("csrf: {enabled: false}")
    engine.gate.clear()
    tasks = [asyncio.create_task(client.get("/graphql", params=HELLO)) for _ in range(3)]
    await asyncio.sleep(0.02)

    responses = await finish(engine, tasks)

    assert len(engine.asked) == 1
    assert {response.text for response in responses} == {'{"data":{"hello":"world"}}'}


async def test_each_who_shares_gets_the_media_type_it_asked_for(connect: Any, engine: Any) -> None:
    client = connect()
    tasks = await start(client, engine, HELLO)
    tasks += await start(client, engine, HELLO, headers={"accept": "application/graphql-response+json"})

    one, other = await finish(engine, tasks)

    assert len(engine.asked) == 1
    assert one.headers["content-type"] != other.headers["content-type"]


@pytest.mark.parametrize("other", [{"query": "{ hello }", "variables": {"a": 1}}, {"query": "{ hello  }"}])
async def test_different_requests_are_not_shared(connect: Any, engine: Any, other: dict[str, Any]) -> None:
    await finish(engine, await start(connect(), engine, HELLO, other))

    assert len(engine.asked) == 2


async def test_mutations_are_never_shared(connect: Any, engine: Any) -> None:
    body = {"query": "mutation { buy }"}

    await finish(engine, await start(connect(), engine, body, body))

    assert len(engine.asked) == 2


async def test_forwarded_headers_keep_requests_apart(connect: Any, engine: Any) -> None:
    client = connect("headers: {forward: [x-tenant]}")
    tasks = await start(client, engine, HELLO, headers={"x-tenant": "a"})
    tasks += await start(client, engine, HELLO, headers={"x-tenant": "b"})

    await finish(engine, tasks)

    assert {context.headers for _, context in engine.asked} == {(("x-tenant", "a"),), (("x-tenant", "b"),)}


async def test_callers_are_kept_apart(connect: Any, make_app: Any, engine: Any) -> None:
    class Names:
        def remembered(self, authorization: bytes | None) -> Identity:
            return Identity(id=(authorization or b"").decode(), kind="customer")

    client = connect(app=make_app(verifier=Names()))
    tasks = await start(client, engine, HELLO, HELLO, headers={"authorization": "ada"})
    tasks += await start(client, engine, HELLO, headers={"authorization": "bob"})

    await finish(engine, tasks)

    assert sorted(context.value.id for _, context in engine.asked) == ["ada", "bob"]


async def test_sharing_can_be_switched_off(connect: Any, engine: Any) -> None:
    assert SharingSettings().requests

    await finish(engine, await start(connect("sharing: {requests: false}"), engine, HELLO, HELLO))

    assert len(engine.asked) == 2


async def test_a_follower_outlives_its_leader(connect: Any, engine: Any) -> None:
    leader, follower = await start(connect(), engine, HELLO, HELLO)
    leader.cancel()
    await asyncio.sleep(0.02)

    (response,) = await finish(engine, [follower])

    assert response.json() == {"data": {"hello": "world"}}
    assert (len(engine.asked), engine.cancelled) == (1, 0)


async def test_a_leader_outlives_its_follower(connect: Any, engine: Any) -> None:
    leader, follower = await start(connect(), engine, HELLO, HELLO)
    follower.cancel()
    await asyncio.sleep(0.02)

    (response,) = await finish(engine, [leader])

    assert response.json() == {"data": {"hello": "world"}}
    assert len(engine.asked) == 1


async def test_a_slow_answer_ends_in_504(connect: Any, engine: Any) -> None:
    (task,) = await start(connect("server: {request_timeout: 0.3}"), engine, HELLO)

    response = await task

    assert response.status_code == 504
    assert response.json()["errors"][0]["extensions"]["code"] == "GATEWAY_TIMEOUT"
    assert engine.cancelled == 1


async def test_a_client_that_leaves_ends_its_request(make_app: Any, engine: Any) -> None:
    """Spoken in plain ASGI, since the client here must vanish while it waits."""
    engine.gate.clear()
    app = make_app()
    messages = [{"type": "http.request", "body": b'{"query":"{ hello }"}'}]
    gone, sent = asyncio.Event(), []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}
    request = asyncio.create_task(app(scope, receive, send))
    await asyncio.sleep(0.05)
    gone.set()
    await asyncio.wait_for(request, 2)

    assert sent == []
    assert engine.cancelled == 1


async def test_a_client_that_leaves_while_sending_is_forgotten(make_app: Any, engine: Any) -> None:
    messages = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"{", "more_body": True}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}
    await make_app()(scope, receive, send)

    assert sent == []
    assert engine.asked == []
