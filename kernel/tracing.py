"""Spans of what happens in the subgraphs: their operations, their statements, the events they handle.

Together with the router's they make one trace of a click and all that follows from it: events carry the `traceparent`
of the span in which they were recorded, and whoever handles one goes on below it. Until `send_traces_to` is called,
nothing is watched, and a span costs one look at a variable.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import Engine, event

from kernel import telemetry

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span

Kind = Literal["server", "client", "consumer"]
"""Whether something is answered, asked of another server, or done because of an event."""

_LONGEST_STATEMENT: Final = 500

Begin = Callable[[str, str, Kind, str], "Span"]
_begin: Begin | None = None


@contextmanager
def span(name: str, *, of: str, kind: Kind) -> Generator[None]:
    """Run a block under a span of a subgraph; what it calls or records goes on below it."""
    if _begin is None:
        yield
        return
    current = _begin(name, of, kind, telemetry.traceparent())
    try:
        with telemetry.traced(_traceparent_of(current)):
            yield
    except Exception as error:
        current.set_attribute("error.type", type(error).__name__)
        raise
    finally:
        current.end()


def send_traces_to(endpoint: str, processor: SpanProcessor | None = None) -> Callable[[], None]:
    """Watch from now on, and send spans by the OpenTelemetry protocol over HTTP; return what ends that.

    Args:
        endpoint: such as `http://localhost:4318/v1/traces`.
        processor: takes ended spans, in place of what sends them.
    """
    from opentelemetry.context import Context  # noqa: PLC0415 - 20 MB that only this needs
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import Tracer, TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.trace import SpanKind  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    taking = processor or BatchSpanProcessor(OTLPSpanExporter(endpoint))
    kinds = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "consumer": SpanKind.CONSUMER}
    tracers: dict[str, Any] = {}

    def tracer(subgraph: str) -> Tracer:
        if subgraph not in tracers:
            provider = TracerProvider(resource=Resource.create({"service.name": f"storegraph-{subgraph}"}))
            provider.add_span_processor(taking)
            tracers[subgraph] = provider.get_tracer("storegraph")
        return tracers[subgraph]

    def begin(name: str, of: str, kind: Kind, parent: str) -> Span:
        context = TraceContextTextMapPropagator().extract({"traceparent": parent}, Context()) if parent else Context()
        return tracer(of).start_span(name, context, kinds[kind])

    def end() -> None:
        globals()["_begin"] = None
        taking.shutdown()

    globals()["_begin"] = begin
    return end


def watch_statements(engine: Engine, schema: str) -> None:
    """Have the statements on a database seen as spans, if spans are watched by then."""
    if _begin is None:
        return

    @event.listens_for(engine, "before_cursor_execute")
    def begin(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        if _begin is None or context is None:
            return
        current = _begin(f"postgresql {schema}", schema, "client", telemetry.traceparent())
        current.set_attribute("db.system.name", "postgresql")
        current.set_attribute("db.query.text", statement[:_LONGEST_STATEMENT])
        context.storegraph_span = current

    @event.listens_for(engine, "after_cursor_execute")
    def end(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        _end_of(context)

    @event.listens_for(engine, "handle_error")
    def fail(failure: Any) -> None:
        _end_of(failure.execution_context)


def _end_of(context: Any) -> None:
    current = getattr(context, "storegraph_span", None)
    if current is not None:
        current.end()
        context.storegraph_span = None


def _traceparent_of(current: Span) -> str:
    context = current.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
