"""Streams of a client whose token is taken back, or has expired, end by themselves, whichever way they go."""

from __future__ import annotations

import time

import httpx
import pytest
from websockets.asyncio.client import connect

from router.policy.identity import Identity, InvalidTokenError
from router.policy.revocation import Revocations
from router.policy.token_settings import RevocationSettings
from tests.router.server.streams.conftest import until
from tests.router.server.streams.test_http_streams import posted, whole
from tests.router.server.streams.test_single_connections import Sharing
from tests.router.server.streams.test_websockets import PROTOCOL, Talk, event

TICKS = "subscription { ticks }"
REVOKED = b"SUBSCRIPTION_CREDENTIALS_REVOKED"
EXPIRED = b"SUBSCRIPTION_CREDENTIALS_EXPIRED"


class Verifier:
    """Knows two people by their names."""

    def __init__(self, expires_at=float("inf")):
        self.expires_at = expires_at

    def remembered(self, authorization):
        return None

    async def identify(self, authorization):
        name = (authorization or b"").removeprefix(b"Bearer ").decode()
        if name in {"ann", "bob"}:
            return Identity(name, "customer", session=f"s-{name}", expires_at=self.expires_at)
        raise InvalidTokenError("the token is not valid")


def shown(name):
    return {"authorization": f"Bearer {name}"}


@pytest.fixture
async def revoked(valkey):
    made = Revocations(RevocationSettings(redis=valkey.url, key=f"revoked:{time.monotonic_ns()}", interval=0.05))
    yield made
    await made.aclose()


@pytest.fixture
async def router(serve, valkey, revoked):
    yaml = f"authentication: {{revocation: {{redis: '{valkey.url}', key: '{revoked._settings.key}', interval: 0.05}}}}"
    return await serve(yaml, verifier=Verifier())


@pytest.mark.parametrize("accept", ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0,application/json"])
@pytest.mark.parametrize("name", ["sub:ann", "sid:s-ann"])
async def test_streams_over_http(router, clock, revoked, accept, name):
    async with (
        posted(router, accept, **shown("ann")) as ann,
        posted(router, accept, **shown("bob")) as bob,
    ):
        parts, others = ann.aiter_raw(), bob.aiter_raw()
        await clock.say(1)
        heard = b""
        while b'"ticks":1' not in heard:
            heard += await anext(parts)

        await revoked.revoke(name, 60)
        told = b"".join([part async for part in parts])
        assert REVOKED in told
        await clock.say(2)
        assert b'"ticks":2' not in told

        while b'"ticks":2' not in heard:
            heard += await anext(others)
    again = httpx.AsyncClient(headers=shown("ann"))
    async with again:
        assert (await again.post(router.url, json={"query": TICKS})).status_code == 401


async def test_a_websocket(router, clock, revoked):
    async with (
        connect(router.socket_url, subprotocols=[PROTOCOL]) as first,
        connect(router.socket_url, subprotocols=[PROTOCOL]) as second,
    ):
        ann, bob = Talk(first), Talk(second)
        for each, name in ((ann, "ann"), (bob, "bob")):
            await each.greet(**shown(name))
            await each.subscribe("1", TICKS)
        await until(lambda: len(clock.sources) == 2)
        await clock.say(1)
        assert await ann.hear() == await bob.hear() == event("1", 1)

        await revoked.revoke("sub:ann", 60)
        assert await ann.closed() == 4403
        await until(lambda: len(clock.sources) == 1)
        await clock.say(2)
        assert await bob.hear() == event("1", 2)


async def test_an_idle_websocket_is_sent_away_too(router, revoked):
    async with connect(router.socket_url, subprotocols=[PROTOCOL]) as socket:
        client = Talk(socket)
        await client.greet(**shown("ann"))
        await revoked.revoke("sub:ann", 60)
        assert await client.closed() == 4403


async def test_one_stream_for_all_operations(router, clock, revoked):
    async with httpx.AsyncClient(timeout=10, headers=shown("ann")) as http:
        client = Sharing(router.url, http, (await http.put(router.url)).text)
        async with client.opened() as stream:
            parts = stream.aiter_raw()
            await client.post("t", TICKS)
            await until(lambda: clock.sources)
            await revoked.revoke("sub:ann", 60)
            heard = b""
            while REVOKED not in heard:
                heard += await anext(parts)
            await until(lambda: not clock.sources)
            assert (await client.post("u", TICKS)).status_code == 401


async def test_one_stream_for_all_operations_does_not_outlive_the_token_of_an_operation(serve, clock):
    router = await serve(verifier=Verifier(time.time() + 0.25))
    async with httpx.AsyncClient(timeout=10, headers=shown("ann")) as http:
        client = Sharing(router.url, http, (await http.put(router.url)).text)
        async with client.opened() as stream:
            parts = stream.aiter_raw()
            await client.post("t", TICKS)
            heard = b""
            while EXPIRED not in heard:
                heard += await anext(parts)
            await until(lambda: not clock.sources)


async def test_a_stream_over_http_ends_with_its_token(serve):
    router = await serve(verifier=Verifier(time.time() + 0.25))
    async with posted(router, "text/event-stream", **shown("ann")) as stream:
        assert EXPIRED in await whole(stream)


async def test_who_was_revoked_while_the_subscription_began_gets_none(router, clock, revoked):
    """The token was good when it was looked at, and the list has changed before the subscription is there."""
    services = router.app._streams._services
    opened = services.subscriptions.open

    async def slowly(*given, **named):
        await revoked.revoke("sub:ann", 60)
        before = services.callers.revoked.edition
        while services.callers.revoked.edition == before:
            await services.callers.revoked.learn()
        return await opened(*given, **named)

    async with posted(router, "text/event-stream", **shown("bob")) as other:
        services.subscriptions.open = slowly
        async with posted(router, "text/event-stream", **shown("ann")) as stream:
            assert REVOKED in await whole(stream)
        assert len(services.subscriptions) == 1
        del other
