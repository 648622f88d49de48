"""The HTTP callback protocol, from the subscription to its end, and callers that have no business here."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager

import orjson
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from router.execution.errors import SubgraphTimeoutError, SubgraphUnreachableError
from router.execution.transports.streams import CallbackInbox, CallbackStreams, StreamLimits
from router.execution.transports.streams.callback import Verdict
from router.execution.transports.streams.http import StreamingClient


@pytest.fixture
def inbox():
    return CallbackInbox("http://router/callback/", 5)


@asynccontextmanager
async def emitter(subgraphs, answer=None, status=200):
    """A subgraph that remembers the subscriptions that it was sent."""
    asked = []

    async def subscribe(request):
        asked.append((dict(request.headers), await request.json()))
        return JSONResponse({"data": None} if answer is None else answer, status)

    async with subgraphs.run(Starlette(routes=[Route("/graphql", subscribe, methods=["POST"])])) as url:
        yield url, asked


def call(asked, action, **more):
    extension = asked["extensions"]["subscription"]
    known = {"kind": "subscription", "id": extension["subscriptionId"], "verifier": extension["verifier"]}
    return extension["subscriptionId"], orjson.dumps({**known, "action": action, **more})


async def test_from_the_subscription_to_the_end(subgraphs, request_for, inbox):
    async with emitter(subgraphs) as (url, asked):
        streams = CallbackStreams(StreamingClient(url, StreamLimits()), inbox)
        request = request_for("subscription ($a: Int) { n(a: $a) }", {"a": 1}, [("authorization", "Bearer x")])
        async with aclosing(streams.open(request)) as events:
            first = asyncio.ensure_future(anext(events))
            async with asyncio.timeout(30):
                while not asked:  # noqa: ASYNC110 - what is waited for knows of no event
                    await asyncio.sleep(0.005)
            headers, body = asked[0]
            assert "callbackSpec=1.0" in headers["accept"]
            assert headers["authorization"] == "Bearer x"
            assert (body["query"], body["variables"]) == (request.operation.document, {"a": 1})
            extension = body["extensions"]["subscription"]
            assert extension["callbackUrl"] == f"http://router/callback/{extension['subscriptionId']}"
            assert extension["heartbeatIntervalMs"] == 5_000

            assert inbox.take(*call(body, "check")) is Verdict.TAKEN
            assert inbox.take(*call(body, "next", payload={"data": {"n": 1}})) is Verdict.TAKEN
            assert (await first).decoded == {"data": {"n": 1}}
            assert inbox.take(*call(body, "heartbeat")) is Verdict.TAKEN
            assert inbox.take(*call(body, "complete", errors=[{"message": "gone"}])) is Verdict.TAKEN
            assert (await anext(events)).decoded == {"data": None, "errors": [{"message": "gone"}]}
            with pytest.raises(StopAsyncIteration):
                await anext(events)
        assert inbox.take(*call(body, "next", payload={})) is Verdict.UNKNOWN


async def test_callers_that_have_no_business_here(inbox):
    inbox.expect("7", "secret")
    known = {"kind": "subscription", "id": "7", "verifier": "secret", "action": "check"}
    for change, verdict in [
        ({}, Verdict.TAKEN),
        ({"verifier": "guess"}, Verdict.FORBIDDEN),
        ({"verifier": None}, Verdict.FORBIDDEN),
        ({"id": "8"}, Verdict.MALFORMED),
        ({"kind": "query"}, Verdict.MALFORMED),
        ({"action": "dance"}, Verdict.MALFORMED),
        ({"action": "next"}, Verdict.MALFORMED),
        ({"action": "next", "payload": []}, Verdict.MALFORMED),
    ]:
        assert inbox.take("7", orjson.dumps({**known, **change})) is verdict
    assert inbox.take("7", b"{") is Verdict.MALFORMED
    assert inbox.take("7", b"[]") is Verdict.MALFORMED
    assert inbox.take("8", orjson.dumps({**known, "id": "8"})) is Verdict.UNKNOWN


async def test_a_subgraph_that_sends_too_much_at_once_is_told_so(inbox):
    inbox.expect("7", "secret")
    event = orjson.dumps(
        {"kind": "subscription", "id": "7", "verifier": "secret", "action": "next", "payload": {"data": {}}}
    )
    verdicts = [inbox.take("7", event) for _ in range(1_001)]
    assert (verdicts.count(Verdict.TAKEN), verdicts[-1]) == (1_000, Verdict.FULL)


async def test_silence_breaks_the_stream(subgraphs, request_for):
    async with emitter(subgraphs) as (url, _):
        streams = CallbackStreams(StreamingClient(url, StreamLimits()), CallbackInbox("http://router", 0.02))
        with pytest.raises(SubgraphTimeoutError):
            await anext(streams.open(request_for("subscription { n }")))


@pytest.mark.parametrize(
    ("answer", "status"), [({"errors": [{"message": "not for you"}]}, 200), ({"errors": []}, 500), ([], 400)]
)
async def test_a_subscription_that_is_refused(subgraphs, request_for, inbox, answer, status):
    async with emitter(subgraphs, answer, status) as (url, _):
        streams = CallbackStreams(StreamingClient(url, StreamLimits()), inbox)
        with pytest.raises(SubgraphUnreachableError):
            await anext(streams.open(request_for("subscription { n }")))


async def test_the_door_of_a_router(subgraphs, inbox):
    from router.config_file import parse_settings
    from router.server.exchange import HttpRequest
    from router.server.streams.subgraphs import callback_door

    settings = parse_settings("subscriptions: {callback: {public_url: 'http://router:4000'}}", environment={})
    ((beginning, take),) = callback_door(inbox, settings).items()
    inbox.expect("7", "secret")
    body = {"kind": "subscription", "id": "7", "verifier": "secret", "action": "check"}
    assert beginning == "/callback/"
    for path, content, status in [
        ("/callback/7", orjson.dumps(body), 204),
        ("/callback/8", orjson.dumps({**body, "id": "8"}), 404),
        ("/callback/7", orjson.dumps({**body, "verifier": "x"}), 403),
        ("/callback/7", b"", 400),
    ]:
        response = await take(HttpRequest("POST", path, b"", {}, content))
        assert response.status == status
        assert (b"subscription-protocol", b"callback/1.0") in response.headers
    assert callback_door(None, settings) == {}


def test_settings_that_do_not_go_together():
    from router.config import ConfigError
    from router.config_file import parse_settings

    for text in (
        "subgraphs: {a: {subscription: {protocol: callback}}}",
        "subscriptions: {subgraphs: {protocol: callback}}",
        "{server: {workers: 2}, subscriptions: {callback: {public_url: 'http://x'}}}",
    ):
        with pytest.raises(ConfigError, match="callback"):
            parse_settings(text, environment={})
