"""Requests that are sent again, sent twice, sent elsewhere, or not sent at all."""

from __future__ import annotations

import asyncio

import pytest

from router.execution.errors import CircuitOpenError, OverloadedError, SubgraphTimeoutError, TransportError
from router.execution.transports.port import SubgraphResponse
from router.traffic.balancing import BalancingTransport
from router.traffic.concurrency import LimitedTransport
from router.traffic.deadlines import DeadlineTransport
from router.traffic.hedging import HedgingTransport
from router.traffic.retrying import RetryingTransport
from router.traffic.shaping import shaped
from router.traffic_settings import BreakerSettings, ConcurrencySettings, HedgeSettings, RetrySettings, TrafficSettings
from tests.router.traffic.ways import GOOD, Subgraph, asking

BUSY = SubgraphResponse(503, body=b"{}")
GONE = TransportError("the connection was closed")
REFUSED = TransportError("cannot connect", unsent=True)
SOON = {"base": 0.001, "longest": 0.001}


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.001)


@pytest.fixture
def retrying(subgraph, watcher):
    return lambda **settings: RetryingTransport(subgraph.send, "shop", RetrySettings(**SOON | settings), watcher)


async def test_a_query_is_sent_again_until_it_is_answered(retrying, subgraph, watcher):
    got = []
    retrying().begin(asking(timeout=3.0), got.append)
    for result in (GONE, BUSY, GOOD):
        await until(lambda: subgraph.open)
        subgraph.answer(result)
    assert got == [GOOD]
    assert watcher.heard == [("shop", "retried")] * 2
    assert subgraph.requests[-1].timeout < 3.0


async def test_the_last_failure_is_told_in_the_end(retrying, subgraph):
    got = []
    retrying(attempts=2).begin(asking(), got.append)
    for result in (GONE, BUSY):
        await until(lambda: subgraph.open)
        subgraph.answer(result)
    assert got == [BUSY]


@pytest.mark.parametrize(
    ("kind", "failure", "again"),
    [
        ("mutation", GONE, False),
        ("mutation", BUSY, False),
        ("mutation", REFUSED, True),
        ("query", REFUSED, True),
        ("query", SubgraphTimeoutError("t"), False),
        ("query", CircuitOpenError("open"), False),
        ("query", SubgraphResponse(404, body=b"{}"), False),
    ],
)
async def test_only_what_is_safe_and_may_help_is_sent_again(retrying, subgraph, kind, failure, again):
    got = []
    retrying().begin(asking(kind), got.append)
    subgraph.answer(failure)
    if again:
        await until(lambda: subgraph.open)
    assert got == ([] if again else [failure])


async def test_the_budget_keeps_retries_a_small_share(retrying, subgraph):
    transport = retrying(attempts=2, share=0.1, reserve=5)
    got = []
    for _ in range(100):
        transport.begin(asking(), got.append)
    while len(got) < 100:
        await until(lambda: subgraph.open or len(got) == 100)
        while subgraph.open:
            subgraph.answer(GONE)
    assert 5 <= len(subgraph.requests) - 100 <= 15


async def test_no_attempt_begins_when_time_is_up(retrying, subgraph):
    got = []
    retrying(base=10, longest=10).begin(asking(timeout=0.0), got.append)
    subgraph.answer(GONE)
    assert got == [GONE]


async def test_a_retry_can_be_given_up_while_it_waits(retrying, subgraph):
    got = []
    call = retrying(base=0.01, longest=0.01).begin(asking(), got.append)
    subgraph.answer(GONE)
    call.cancel()
    await asyncio.sleep(0.02)
    assert (got, len(subgraph.requests)) == ([], 1)


@pytest.fixture
def hedging(subgraph, watcher):
    return lambda **settings: HedgingTransport(
        subgraph.send, "shop", HedgeSettings(**{"after": 0.001} | settings), watcher
    )


async def test_a_slow_query_is_asked_twice_and_the_first_answer_counts(hedging, subgraph, watcher):
    got = []
    hedging().begin(asking(), got.append)
    await until(lambda: len(subgraph.open) == 2)
    subgraph.answer(GOOD, which=1)
    assert (got, subgraph.cancelled, watcher.heard) == ([GOOD], 1, [("shop", "hedged")])


async def test_one_of_two_may_fail(hedging, subgraph):
    got = []
    hedging().begin(asking(), got.append)
    await until(lambda: len(subgraph.open) == 2)
    subgraph.answer(GONE)
    assert got == []
    subgraph.answer(GOOD)
    assert got == [GOOD]


async def test_mutations_are_asked_once(hedging, subgraph):
    hedging().begin(asking("mutation"), lambda _: None)
    await asyncio.sleep(0.01)
    assert len(subgraph.requests) == 1


async def test_second_requests_are_a_small_share(hedging, subgraph):
    transport = hedging(share=0.01)
    for _ in range(50):
        transport.begin(asking(), lambda _: None)
    await asyncio.sleep(0.02)
    assert len(subgraph.requests) == 53


@pytest.fixture
def limited(subgraph, watcher):
    return lambda **settings: LimitedTransport(
        subgraph.send, "shop", ConcurrencySettings(**{"limit": 2, "queue": 1} | settings), watcher
    )


async def test_some_go_some_wait_the_rest_is_refused(limited, subgraph, watcher):
    transport, got = limited(), []
    for _ in range(3):
        transport.begin(asking(), got.append)
    with pytest.raises(OverloadedError):
        transport.begin(asking(), got.append)
    assert (len(subgraph.open), watcher.heard) == (2, [("shop", "queue_full")])
    subgraph.answer()
    assert (len(subgraph.open), len(got)) == (2, 1)


async def test_whoever_leaves_makes_room(limited, subgraph):
    transport = limited(limit=1)
    first = transport.begin(asking(), lambda _: None)
    second = transport.begin(asking(), lambda _: None)
    second.cancel()
    transport.begin(asking(), lambda _: None)
    first.cancel()
    assert (len(subgraph.open), len(subgraph.requests)) == (1, 2)


async def test_nobody_waits_for_long(limited, subgraph, watcher):
    transport, got = limited(limit=1, wait=0.001), []
    transport.begin(asking(), got.append)
    transport.begin(asking(), got.append)
    await until(lambda: got)
    assert isinstance(got[0], OverloadedError)
    assert watcher.heard == [("shop", "waited_too_long")]


async def test_an_address_that_fails_is_left_out_and_found_again(now):
    good, bad = Subgraph(), Subgraph()
    transport = BalancingTransport([good.send, bad.send], now)

    def ask(times):
        for _ in range(times):
            transport.begin(asking(), lambda _: None)
            while good.open:
                good.answer()
            while bad.open:
                bad.answer(GONE)

    ask(50)
    assert len(bad.requests) == 3
    now.time += 5
    ask(20)
    assert len(bad.requests) == 4


async def test_requests_go_where_there_is_less_to_do(now):
    idle, busy = Subgraph(), Subgraph()
    transport = BalancingTransport([idle.send, busy.send], now)
    for _ in range(40):
        transport.begin(asking(), lambda _: None)
        while idle.open:
            idle.answer()
    assert len(busy.requests) <= 2


async def test_the_deadline_is_passed_on(subgraph):
    DeadlineTransport(subgraph.send, "X-Deadline-Ms").begin(asking(timeout=1.5), lambda _: None)
    assert subgraph.requests[0].trace == (("x-deadline-ms", "1500"),)


async def test_everything_together(watcher):
    subgraph = _Awaited()
    settings = TrafficSettings(
        timeout=1.0,
        retry=RetrySettings(attempts=3, **SOON),
        breaker=BreakerSettings(failures=2),
        concurrency=ConcurrencySettings(),
        hedge=HedgeSettings(),
        deadline_header="x-deadline-ms",
    )
    transport = shaped(subgraph, "shop", settings, watcher)
    with pytest.raises(CircuitOpenError):
        await transport.send(asking())
    assert len(subgraph.requests) == 2
    assert subgraph.requests[0].trace[0][0] == "x-deadline-ms"


def test_what_is_off_is_not_in_the_way():
    subgraph = _Awaited()
    assert shaped(subgraph, "shop", TrafficSettings()) is subgraph


class _Awaited:
    def __init__(self):
        self.requests = []

    async def send(self, request):
        self.requests.append(request)
        raise GONE
