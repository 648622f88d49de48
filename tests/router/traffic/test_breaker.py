"""The circuit opens when a subgraph fails, lets one request try it later, and closes when that succeeds."""

from __future__ import annotations

import pytest

from router.execution.errors import CircuitOpenError, MalformedResponseError, SubgraphTimeoutError, TransportError
from router.execution.transports.port import SubgraphResponse
from router.traffic.breaker import Breaker, BreakingTransport
from router.traffic_settings import BreakerSettings
from tests.router.traffic.ways import GOOD, asking

BROKEN = SubgraphResponse(500, body=b"oh")


class Guarded:
    """A subgraph behind a breaker."""

    def __init__(self, subgraph, now, watcher, **settings):
        self.subgraph = subgraph
        self.breaker = Breaker(BreakerSettings(**settings), now, lambda state: watcher.breaker_turned("shop", state))
        self.transport = BreakingTransport(subgraph.send, "shop", self.breaker, watcher)
        self.got = []

    def ask(self, result=None):
        call = self.transport.begin(asking(), self.got.append)
        if result is not None:
            self.subgraph.answer(result)
        return call


@pytest.fixture
def guarded(subgraph, now, watcher):
    return lambda **settings: Guarded(subgraph, now, watcher, **settings)


def test_five_failures_in_a_row_open_it_for_a_minute(guarded, now, watcher):
    shop = guarded()
    for result in (BROKEN, SubgraphTimeoutError("t"), TransportError("gone"), GOOD, *[BROKEN] * 4):
        shop.ask(result)
    assert shop.breaker.state == "closed"
    shop.ask(MalformedResponseError("garbage"))
    with pytest.raises(CircuitOpenError):
        shop.ask()
    now.time += 59.9
    with pytest.raises(CircuitOpenError):
        shop.ask()
    assert len(shop.subgraph.requests) == 9
    assert watcher.heard == [("shop", "closed"), ("shop", "open"), *[("shop", "circuit_open")] * 2]


@pytest.mark.parametrize(("result", "then"), [(GOOD, "closed"), (BROKEN, "open")])
def test_one_request_tries_whether_it_is_back(guarded, now, result, then):
    shop = guarded(failures=1)
    shop.ask(BROKEN)
    now.time += 60
    shop.ask()
    with pytest.raises(CircuitOpenError):
        shop.ask()
    shop.subgraph.answer(result)
    assert shop.breaker.state == then


def test_a_probe_that_is_given_up_lets_another_one_try(guarded, now):
    shop = guarded(failures=1)
    shop.ask(BROKEN)
    now.time += 60
    shop.ask().cancel()
    shop.ask(GOOD)
    assert shop.breaker.state == "closed"


def test_slow_answers_count_where_that_is_said(guarded, now):
    shop = guarded(failures=1, slow_call=2.0)
    shop.ask()
    now.time += 2
    shop.subgraph.answer(GOOD)
    assert shop.got == [GOOD]
    assert shop.breaker.state == "open"


def test_a_share_of_failures_opens_it_too(guarded):
    shop = guarded(failures=100, share=0.5, window=4)
    for result in (GOOD, BROKEN, GOOD):
        shop.ask(result)
    assert shop.breaker.state == "closed"
    shop.ask(BROKEN)
    assert shop.breaker.state == "open"


def test_only_what_is_named_counts(guarded):
    shop = guarded(failures=1, on=("timeout",))
    shop.ask(BROKEN)
    assert shop.breaker.state == "closed"
    shop.ask(SubgraphTimeoutError("t"))
    assert shop.breaker.state == "open"


def test_what_cannot_be_sent_at_all_counts(guarded, subgraph):
    shop = guarded(failures=1)
    subgraph.raises = TransportError("a header holds a line break")
    with pytest.raises(TransportError):
        shop.ask()
    assert shop.breaker.state == "open"
