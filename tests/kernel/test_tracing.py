"""One trace leads from an operation over its statements and its event to whoever handles that."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text

from kernel import telemetry, tracing
from kernel.database import Database

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    end = tracing.send_traces_to("http://nowhere", SimpleSpanProcessor(exporter))
    yield exporter
    end()


def test_what_happens_within_a_span_goes_on_below_it(spans):
    with telemetry.correlated("c", trace=PARENT):
        with tracing.span("graphql orders", of="orders", kind="server"):
            recorded = telemetry.traceparent()
        assert telemetry.traceparent() == PARENT
    with telemetry.correlated("c", trace=recorded), tracing.span("handle OrderPlaced", of="shipping", kind="consumer"):
        pass
    first, second = spans.get_finished_spans()
    assert f"{first.context.trace_id:032x}" == f"{second.context.trace_id:032x}" == PARENT[3:35]
    assert second.parent.span_id == first.context.span_id
    assert second.resource.attributes["service.name"] == "storegraph-shipping"


def test_a_failure_is_marked(spans):
    with pytest.raises(ZeroDivisionError), tracing.span("x", of="orders", kind="server"):
        raise ZeroDivisionError
    assert spans.get_finished_spans()[0].attributes["error.type"] == "ZeroDivisionError"


async def test_statements_are_spans(spans, postgres):
    async with Database(postgres.url("postgres"), schema="public") as database:
        with telemetry.correlated("c", trace=PARENT):
            async with database.session() as session:
                await session.execute(text("SELECT 1"))
    found = [each for each in spans.get_finished_spans() if each.attributes["db.query.text"] == "SELECT 1"]
    assert f"{found[0].context.trace_id:032x}" == PARENT[3:35]


def test_unwatched_it_does_nothing():
    with telemetry.correlated("c", trace=PARENT), tracing.span("x", of="orders", kind="server"):
        assert telemetry.traceparent() == PARENT
