"""Subscriptions in the engine: a stream is opened in one subgraph, and each event is completed from the others."""

from __future__ import annotations

from contextlib import aclosing

import orjson
import pytest

from router.composition import Subgraph, compose
from router.execution import ANONYMOUS, Engine, ExecutionError, GraphQLRequest
from router.execution.errors import SubgraphUnreachableError
from router.execution.transports import SubgraphResponse
from router.supergraph import load_supergraph

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])\n'
ORDERS = (
    LINK
    + """
type Query { order: Order }
type Subscription { changed(id: ID!): Order  ticks: Int! }
type Order @key(fields: "id") { id: ID!  status: String! }
"""
)
SHIPPING = LINK + 'type Order @key(fields: "id") { id: ID!  parcel: String! }'


class Orders:
    """Streams what the test wrote down."""

    def __init__(self, *events):
        self.events = events
        self.opened = []
        self.closed = 0

    async def open(self, request):
        self.opened.append(request)
        try:
            for event in self.events:
                if isinstance(event, Exception):
                    raise event
                yield SubgraphResponse(body=orjson.dumps(event))
        finally:
            self.closed += 1


class Shipping:
    """Knows the parcel of order 1 only."""

    def __init__(self):
        self.asked = []

    async def send(self, request):
        self.asked.append(request)
        (sent,) = request.variables.values()
        found = [{"parcel": "P1"} if each["id"] == "1" else None for each in sent]
        return SubgraphResponse(body=orjson.dumps({"data": {"_entities": found}}))


@pytest.fixture(scope="module")
def supergraph():
    made = compose([Subgraph("orders", ORDERS, "http://orders"), Subgraph("shipping", SHIPPING, "http://shipping")])
    return load_supergraph(made.supergraph_sdl)


@pytest.fixture
def serve(supergraph):
    def make(*events):
        orders, shipping = Orders(*events), Shipping()
        return Engine(supergraph, {"shipping": shipping}, streams={"orders": orders}), orders, shipping

    return make


async def collect(engine, query, variables=None, most=100):
    stream = await engine.stream(GraphQLRequest(query, variables))
    answers = []
    async with aclosing(stream.open(ANONYMOUS)) as events:
        async for event in events:
            answers.append((await stream.complete(event, ANONYMOUS)).as_dict())
            if len(answers) == most:
                break
    return answers


QUERY = "subscription On($id: ID!) { changed(id: $id) { state: status parcel } }"


async def test_each_event_is_completed_from_the_other_subgraphs(serve):
    engine, orders, shipping = serve(
        *({"data": {"changed": {"__typename": "Order", "id": "1", "state": state}}} for state in ("NEW", "PAID"))
    )

    answers = await collect(engine, QUERY, {"id": "1"})

    assert answers == [{"data": {"changed": {"state": state, "parcel": "P1"}}} for state in ("NEW", "PAID")]
    assert orders.opened[0].variables == {"id": "1"}
    assert orders.opened[0].operation.kind == "subscription"
    assert len(shipping.asked) == 2


async def test_nulls_bubble_and_errors_stand_in_the_event_that_they_belong_to(serve):
    engine, _, _ = serve(
        {"data": {"changed": {"__typename": "Order", "id": "2", "state": "NEW"}}},
        {"data": {"changed": None}, "errors": [{"message": "gone", "path": ["changed"]}]},
        {"data": {"changed": {"__typename": "Order", "id": "1", "state": "NEW"}}},
    )

    first, second, third = await collect(engine, QUERY, {"id": "1"})

    assert first["data"] == {"changed": None}
    assert second["data"] == {"changed": None}
    assert second["errors"][0]["message"] == "gone"
    assert third == {"data": {"changed": {"state": "NEW", "parcel": "P1"}}}


async def test_nothing_is_fetched_for_an_event_that_needs_nothing(serve):
    engine, _, shipping = serve({"data": {"ticks": 1}}, {"data": {"ticks": None}})

    assert [each["data"] for each in await collect(engine, "subscription { ticks }")] == [{"ticks": 1}, None]
    assert not shipping.asked


async def test_closing_the_stream_closes_its_source(serve):
    engine, orders, _ = serve(*({"data": {"ticks": number}} for number in range(10)))

    assert len(await collect(engine, "subscription { ticks }", most=2)) == 2
    assert orders.closed == 1


async def test_a_source_that_breaks_raises(serve):
    engine, orders, _ = serve({"data": {"ticks": 1}}, SubgraphUnreachableError("cut"))

    with pytest.raises(SubgraphUnreachableError):
        await collect(engine, "subscription { ticks }")
    assert orders.closed == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ order { id } }", "OPERATION_NOT_STREAMED"),
        ("subscription { ticks changed(id: 1) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription On($id: ID!) { changed(id: $id) { id } }", "BAD_USER_INPUT"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
    ],
)
async def test_what_is_no_subscription_is_refused(serve, query, code):
    engine, orders, _ = serve()
    with pytest.raises(ExecutionError) as caught:
        await engine.stream(GraphQLRequest(query))
    assert caught.value.as_dicts()[0]["extensions"]["code"] == code
    assert not orders.opened


async def test_a_subgraph_without_a_way_for_streams_is_named(supergraph):
    engine = Engine(supergraph, {})
    stream = await engine.stream(GraphQLRequest("subscription { ticks }"))
    with pytest.raises(ExecutionError, match="orders"):
        stream.open(ANONYMOUS)


async def test_streams_continue_one_another_when_they_ask_their_source_the_same(serve, supergraph):
    engine, orders, _ = serve()
    other = Engine(supergraph, {}, streams={"orders": orders})
    one = await engine.stream(GraphQLRequest(QUERY, {"id": "1"}))

    assert (await other.stream(GraphQLRequest(QUERY, {"id": "1"}))).continues(one)
    assert not (await other.stream(GraphQLRequest(QUERY, {"id": "2"}))).continues(one)
    assert not (await other.stream(GraphQLRequest("subscription { ticks }"))).continues(one)
