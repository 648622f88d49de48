"""Metrics and traces: what is counted, and how the spans of one request hang together."""

from __future__ import annotations

import asyncio
import io
import json
import math

import httpx
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from router.composition import Composed, Subgraph, compose
from router.config_file import parse_settings
from router.execution.engine import Engine
from router.execution.settings import EngineSettings
from router.execution.transports.in_process import InProcessTransport
from router.server.app import create_router_app
from router.server.ways import seen
from router.supergraph import load_supergraph
from router.telemetry.logs import AccessLog
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
    return client_of(shop, sight)


def client_of(shop, sight, more=""):
    composed = compose([Subgraph("shop", "type Query { hello: String }", "http://shop")])
    assert isinstance(composed, Composed)
    settings = parse_settings("telemetry: {metrics: {}, access_log: none}\nlanding_page: false\n" + more)
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


async def test_errors_are_counted_by_their_codes_whatever_the_status_is(client, shop):
    await client.post("/graphql", json={"query": "{ nothing }"})
    await client.post("/graphql", content=b"{", headers={"content-type": "application/json"})
    shop.failure = OSError("gone")
    for _ in range(2):
        assert (await ask(client)).status_code == 200
    counted = [each for family in await families(client) if family.name == "graphql_errors" for each in family.samples]
    assert {each.labels["code"]: each.value for each in counted if each.name == "graphql_errors_total"} == {
        "GRAPHQL_VALIDATION_FAILED": 1,
        "INVALID_GRAPHQL_REQUEST": 1,
        "SUBREQUEST_HTTP_ERROR": 2,
    }


async def test_the_errors_of_a_batch_are_counted(shop, sight):
    client = client_of(shop, sight, "batching: {enabled: true}")
    await client.post("/graphql", json=[{"query": "{ nothing }"}, {"query": "{ hello }"}])
    assert sight.metrics.registry.get_sample_value("graphql_errors_total", {"code": "GRAPHQL_VALIDATION_FAILED"}) == 1


def test_codes_that_subgraphs_make_up_do_not_become_series_without_end(sight):
    sight.metrics.errors_told([{"extensions": {"code": f"CODE_{number}"}} for number in range(1000)])
    sight.metrics.errors_told([{"message": "no code"}, {"extensions": {"code": 'a "quoted"\ncode'}}])
    (family,) = (each for each in sight.metrics.registry.collect() if each.name == "graphql_errors")
    values = {each.labels["code"]: each.value for each in family.samples if each.name.endswith("_total")}
    assert len(values) <= 202
    assert values[""] == 1
    assert sum(values.values()) == 1002


async def test_the_whole_page_is_what_prometheus_reads(client, sight):
    """Each family that the code declares is there under its name and type, and says what it is."""
    await ask(client)
    sight.metrics.breaker_turned("shop", "open")
    sight.metrics.refused("shop", "open")
    sight.metrics.retried("shop")
    sight.metrics.hedged("shop")
    sight.metrics.looked_up("shop", 2, 1)
    sight.metrics.invalidated(3)
    sight.metrics.errors_told([{"extensions": {"code": "NOT_FOUND"}}])

    read = await families(client)

    assert all(family.documentation for family in read)
    assert {family.type for family in read} == {"histogram", "gauge", "counter"}
    samples = [each for family in read for each in family.samples if not each.name.endswith("_created")]
    assert {each.name for each in samples} == set(sight.metrics.families)
    for each in samples:
        assert set(each.labels) - {"le"} == set(sight.metrics.families[each.name]), each.name
        assert math.isfinite(each.value)
    for name in {each.name for each in samples if each.name.endswith("_bucket")}:
        buckets = [each for each in samples if each.name == name]
        assert buckets[-1].labels["le"] == "+Inf"
        assert [each.value for each in buckets] == sorted(each.value for each in buckets), "buckets are cumulative"


async def families(client):
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return list(text_string_to_metric_families(answer.text))


async def test_breakers_are_seen(sight):
    sight.metrics.breaker_turned("shop", "closed")
    sight.metrics.breaker_turned("shop", "open")
    page = sight.metrics.page()[0].decode()
    assert 'router_circuit_breaker_state{state="open",subgraph_name="shop"} 1.0' in page
    assert 'router_circuit_breaker_state{state="closed",subgraph_name="shop"} 0.0' in page


async def test_the_log_names_the_trace_of_each_request_looked_at_or_not(client, shop, sight):
    written = io.BytesIO()
    log = AccessLog("all", written)
    client._transport.app._access_log = log
    for share in (0.0, 1.0):
        sight.tracing._share = share
        await ask(client)
        await ask(client, traceparent="no trace")
    await ask(client, traceparent=PARENT)
    log.flush()

    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    told = [each["traceparent"][3:35] for each in shop.headers]
    assert [each["trace_id"] for each in lines] == told
    assert told[-1] == PARENT[3:35]
    assert len(set(told)) == 5


async def test_without_traces_the_log_names_only_those_of_clients(shop):
    written = io.BytesIO()
    client = client_of(shop, Sight(Metrics(CollectorRegistry(), (1.0,))))
    client._transport.app._access_log = log = AccessLog("all", written)
    for headers in ({}, {"traceparent": "no trace"}, {"traceparent": PARENT}):
        await ask(client, **headers)
    log.flush()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [each["trace_id"] for each in lines] == [None, None, PARENT[3:35]]


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
