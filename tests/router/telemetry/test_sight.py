"""Metrics and traces: what is counted, and how the spans of one request hang together."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from router.composition import Composed, Subgraph, compose
from router.config_file import parse_settings
from router.execution.engine import Engine
from router.execution.settings import EngineSettings
from router.execution.transports.in_process import InProcessTransport
from router.server.app import create_router_app
from router.server.ways import seen
from router.supergraph import load_supergraph
from router.telemetry.metrics import Metrics
from router.telemetry.planning import PlanningWatch
from router.telemetry.sight import Sight
from router.telemetry.tracing import Tracing
from router.telemetry_settings import TracesSettings

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Shop:
    """A subgraph that notes the headers it gets."""

    def __init__(self):
        self.headers = []
        self.failure = None

    async def __call__(self, query, variables, operation_name, *, headers, context):
        self.headers.append(dict(headers))
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return {"data": {"hello": "world"}}


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def spans():
    return InMemorySpanExporter()


@pytest.fixture
def sight(spans):
    tracing = Tracing(TracesSettings(endpoint="http://nowhere"), SimpleSpanProcessor(spans))
    return Sight(Metrics(CollectorRegistry(), (0.1, 1.0)), tracing)


@pytest.fixture
def client(shop, sight):
    composed = compose([Subgraph("shop", "type Query { hello: String }", "http://shop")])
    assert isinstance(composed, Composed)
    settings = parse_settings("{telemetry: {metrics: {}, access_log: none}, landing_page: false}")
    ways = seen({"shop": InProcessTransport(shop)}, sight)
    engine = Engine(load_supergraph(composed.supergraph_sdl), ways, EngineSettings(share_requests=False))
    engine.watch_planning(PlanningWatch(sight, 0.0))
    app = create_router_app(engine, settings, sight=sight)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://router")


async def ask(client, **headers):
    body = {"query": "query Greet { hello }", "operationName": "Greet"}
    return await client.post("/graphql", json=body, headers={"apollographql-client-name": "web", **headers})


async def test_one_trace_leads_from_the_client_to_the_subgraph(client, spans, shop):
    await ask(client, traceparent=PARENT)
    plan, fetch, request = spans.get_finished_spans()

    assert [plan.name, fetch.name, request.name] == ["plan", "fetch shop", "graphql Greet"]
    assert {f"{each.context.trace_id:032x}" for each in (plan, fetch, request)} == {PARENT[3:35]}
    assert f"{request.parent.span_id:016x}" == PARENT[36:52]
    assert plan.parent.span_id == fetch.parent.span_id == request.context.span_id
    assert shop.headers[0]["traceparent"].split("-")[2] == f"{fetch.context.span_id:016x}"
    assert request.attributes["graphql.client.name"] == "web"
    assert request.attributes["http.response.status_code"] == 200


async def test_what_was_planned_before_has_no_span_for_it(client, spans):
    await ask(client)
    spans.clear()
    await ask(client)
    assert [each.name for each in spans.get_finished_spans()] == ["fetch shop", "graphql Greet"]


async def test_a_failed_fetch_is_marked(client, spans, shop):
    shop.failure = OSError("gone")
    await ask(client)
    fetch = next(each for each in spans.get_finished_spans() if each.name == "fetch shop")
    assert fetch.attributes["error.type"] == "SUBREQUEST_HTTP_ERROR"
    assert not fetch.status.is_ok


async def test_figures_for_prometheus(client, shop):
    await ask(client)
    shop.failure = OSError("gone")
    await ask(client)
    await client.get("/nowhere")
    page = (await client.get("/metrics")).text

    assert (
        'http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200"} 2.0'
        in page
    )
    assert 'http_response_status_code="404"} 1.0' in page
    assert "http_server_active_requests 1.0" in page  # the one that reads this
    fetched = (
        "http_client_request_duration_seconds_count"
        '{error_type="%s",http_response_status_code="%s",subgraph_name="shop"} 1.0'
    )
    assert fetched % ("", "200") in page
    assert fetched % ("SUBREQUEST_HTTP_ERROR", "") in page
    assert "router_query_planning_duration_seconds_count 1.0" in page


async def test_breakers_are_seen(sight):
    sight.metrics.breaker_turned("shop", "closed")
    sight.metrics.breaker_turned("shop", "open")
    page = sight.metrics.page()[0].decode()
    assert 'router_circuit_breaker_state{state="open",subgraph_name="shop"} 1.0' in page
    assert 'router_circuit_breaker_state{state="closed",subgraph_name="shop"} 0.0' in page


async def test_nothing_seen_is_nothing_in_the_way(shop):
    transports = {"shop": InProcessTransport(shop)}
    assert seen(transports, Sight()) is transports


async def test_a_trace_that_nobody_looks_at_has_no_spans_anywhere(spans, shop, client, sight):
    sight.tracing._share = 0.0
    await ask(client)
    assert spans.get_finished_spans() == ()
    assert shop.headers[0]["traceparent"].endswith("-00")
    await ask(client, traceparent=PARENT)
    assert {each.name for each in spans.get_finished_spans()} >= {"fetch shop", "graphql Greet"}
