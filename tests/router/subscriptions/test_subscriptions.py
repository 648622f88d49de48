"""The life of subscriptions: sources that are shared, buffers with a bound, ends of every kind."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from router.composition import Subgraph, compose
from router.execution import Engine, GraphQLRequest, RequestContext
from router.execution.errors import SubgraphUnreachableError
from router.execution.transports import SubgraphResponse
from router.subscriptions import (
    Buffering,
    ClientTooSlowError,
    CredentialsExpiredError,
    RouterStoppingError,
    SchemaReloadedError,
    SourceLostError,
    Subscriptions,
    TooManySubscriptionsError,
)
from router.supergraph import load_supergraph

SDL = """
type Query { now: Int }
type Subscription { ticks(from: Int): Int! beats: Int }
"""


def supergraph(sdl=SDL):
    return load_supergraph(compose([Subgraph("clock", sdl, "http://clock")]).supergraph_sdl)


@dataclass
class Clock:
    """Streams what the test puts in; every source that is open gets each event."""

    sources: list[asyncio.Queue[Any]] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    opened: int = 0
    closed: int = 0

    async def open(self, request):
        self.headers.append(request.headers)
        events = asyncio.Queue()
        self.sources.append(events)
        self.opened += 1
        try:
            while (event := await events.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield SubgraphResponse(body=orjson.dumps({"data": {"ticks": event}}))
        finally:
            self.sources.remove(events)
            self.closed += 1

    async def say(self, *events):
        await until(lambda: self.sources)
        for event in events:
            for source in list(self.sources):
                source.put_nowait(event)


class Pen:
    """A sink that keeps what it is given."""

    def __init__(self):
        self.written = []
        self.ends = []

    def take(self, answer):
        self.written.append(answer.data["ticks"])

    def ended(self, error):
        self.ends.append(error)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.001)


def context_of(client):
    return RequestContext(identity=client)


def hub_on(clock, sdl=SDL, **options):
    engine = Engine(supergraph(sdl), {}, streams={"clock": clock})
    return Subscriptions(engine, options.pop("make_context", context_of), options.pop("buffering", None), **options)


@pytest.fixture
def clock():
    return Clock()


TICKS = GraphQLRequest("subscription { ticks }")


async def test_equal_subscriptions_of_equal_callers_share_one_source(clock):
    hub = hub_on(clock)
    many = [await hub.open(TICKS, "alice") for _ in range(50)]
    other = await hub.open(TICKS, "bob")

    await clock.say(1, 2)

    for each in [*many, other]:
        assert [(await anext(each)).data["ticks"] for _ in range(2)] == [1, 2]
    assert (clock.opened, hub.sources, len(hub)) == (2, 2, 51)
    await hub.close()


async def test_what_was_asked_with_other_variables_is_another_source(clock):
    hub = hub_on(clock)
    for number in (1, 2, 1):
        await hub.open(GraphQLRequest("subscription ($n: Int) { ticks(from: $n) }", {"n": number}), "alice")

    await until(lambda: clock.opened)
    assert hub.sources == 2
    await hub.close()


async def test_the_source_is_closed_with_its_last_listener(clock):
    hub = hub_on(clock)
    first, second = [await hub.open(TICKS, "alice") for _ in range(2)]
    await clock.say(1)
    await anext(first)

    first.close()
    assert (len(hub), hub.sources) == (1, 1)
    second.close()
    second.close()

    await until(lambda: clock.closed == 1)
    assert (len(hub), hub.sources) == (0, 0)


async def test_a_source_that_is_complete_ends_its_subscriptions(clock):
    hub = hub_on(clock)
    subscription = await hub.open(TICKS, "alice")
    await clock.say(1, 2, None)

    assert [answer.data["ticks"] async for answer in subscription] == [1, 2]
    assert (len(hub), hub.sources) == (0, 0)


async def test_a_source_that_breaks_is_told_after_what_came_before(clock):
    hub = hub_on(clock)
    subscription = await hub.open(TICKS, "alice")
    await clock.say(1, SubgraphUnreachableError("cut off"))

    assert (await anext(subscription)).data == {"ticks": 1}
    with pytest.raises(SourceLostError) as caught:
        await anext(subscription)
    (error,) = caught.value.as_dicts()
    assert error["extensions"]["service"] == "clock"
    assert "cut off" in error["message"]


async def test_a_sink_gets_events_at_once_and_those_that_waited_first(clock):
    hub = hub_on(clock)
    subscription, pen = await hub.open(TICKS, "alice"), Pen()
    other = await hub.open(TICKS, "alice")
    await clock.say(1, 2)
    await anext(other)
    await anext(other)

    subscription.attach(pen)
    assert pen.written == [1, 2]
    subscription.hold()
    await clock.say(3, None)
    assert [answer.data["ticks"] async for answer in other] == [3]
    assert (pen.written, pen.ends) == ([1, 2], [])
    subscription.release()
    subscription.release()
    assert (pen.written, pen.ends) == ([1, 2, 3], [None])


async def test_a_slow_client_is_cut_off_and_the_others_go_on(clock):
    hub = hub_on(clock, buffering=Buffering(10))
    slow, quick = await hub.open(TICKS, "alice"), await hub.open(TICKS, "alice")
    pen, seen = Pen(), Pen()
    slow.attach(pen)
    slow.hold()
    quick.attach(seen)

    await clock.say(*range(11))

    await until(lambda: len(seen.written) == 11)
    assert (pen.written, len(pen.ends)) == ([], 1)
    assert isinstance(pen.ends[0], ClientTooSlowError)
    assert len(hub) == 1
    await hub.close()


async def test_a_slow_client_may_lose_the_oldest_events_instead(clock):
    hub = hub_on(clock, buffering=Buffering(3, "drop_oldest"))
    subscription = await hub.open(TICKS, "alice")
    await clock.say(*range(10), None)
    await until(lambda: not len(hub))

    assert [answer.data["ticks"] async for answer in subscription] == [7, 8, 9]
    assert subscription.dropped == 7


async def test_a_subscription_ends_with_the_credentials_it_was_begun_with(clock):
    hub = hub_on(clock)
    subscription = await hub.open(TICKS, "alice", expires_at=time.time() + 0.05)
    await clock.say(1)

    assert (await anext(subscription)).data == {"ticks": 1}
    with pytest.raises(CredentialsExpiredError):
        await anext(subscription)
    await until(lambda: clock.closed == 1)


async def test_the_context_is_made_anew_for_each_event(clock):
    made = []

    def make_context(client):
        made.append(client)
        return RequestContext(identity=client, headers=(("x-made", str(0)),))

    hub = hub_on(clock, make_context=make_context)
    subscription = await hub.open(TICKS, "alice")
    await clock.say(1, 2, None)
    assert len([answer async for answer in subscription]) == 2
    assert len(made) == 4


async def test_no_more_than_the_bound_are_open(clock):
    hub = hub_on(clock, most=2)
    first = await hub.open(TICKS, "alice")
    await hub.open(TICKS, "alice")
    with pytest.raises(TooManySubscriptionsError):
        await hub.open(TICKS, "alice")

    first.close()
    await hub.open(TICKS, "alice")
    await hub.close()


async def test_all_end_when_the_router_does(clock):
    hub = hub_on(clock)
    subscriptions = [await hub.open(TICKS, name) for name in "abc"]
    await clock.say(1)
    for each in subscriptions:
        await anext(each)

    await hub.close()

    for each in subscriptions:
        with pytest.raises(RouterStoppingError):
            await anext(each)
    assert clock.closed == 3
    with pytest.raises(RouterStoppingError):
        await hub.open(TICKS, "late")


async def test_they_live_on_over_a_reload_without_a_gap(clock):
    before = hub_on(clock)
    after = hub_on(clock, SDL.replace("beats: Int", "beats: Int more: Int"))
    subscription = await before.open(TICKS, "alice")
    await clock.say(1)
    assert (await anext(subscription)).data == {"ticks": 1}

    await before.hand_over(after)
    joined = await after.open(TICKS, "alice")
    await clock.say(2)

    assert (await anext(subscription)).data == {"ticks": 2}
    assert (await anext(joined)).data == {"ticks": 2}
    assert (len(before), before.sources, len(after), after.sources) == (0, 0, 2, 1)
    assert (clock.opened, clock.closed) == (1, 0)
    joined.close()
    subscription.close()
    await until(lambda: clock.closed == 1)


async def test_they_end_where_the_new_schema_does_not_know_them(clock):
    before, after = hub_on(clock), hub_on(clock, "type Query { now: Int } type Subscription { beats: Int }")
    subscription = await before.open(TICKS, "alice")
    await clock.say(1)
    await anext(subscription)

    await before.hand_over(after)

    with pytest.raises(SchemaReloadedError):
        await anext(subscription)
    await until(lambda: clock.closed == 1)
    assert len(after) == 0


async def test_they_end_where_their_source_is_reached_another_way_now(clock):
    before, after = hub_on(clock), hub_on(Clock())
    subscription = await before.open(TICKS, "alice")

    await before.hand_over(after)

    with pytest.raises(SchemaReloadedError):
        await anext(subscription)
