"""Traces by OpenTelemetry: a span for the client's request, for planning, and for each fetch.

A span's parent is told by a `traceparent`, which travels in the headers of the request anyway: nothing has to be kept
in context variables, and whoever gets the headers, in this process or elsewhere, can go on with the trace.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from router.telemetry_settings import TracesSettings

Attributes: TypeAlias = Mapping[str, str | int]

Kind = Literal["server", "client", "internal"]
"""Whether something is answered, asked, or done within."""
_KINDS: Final = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class Tracing:
    """Begins spans and sends those that have ended.

    Args:
        settings: where to, and how many.
        processor: takes the ended spans; by default they are sent in batches from a thread of their own.
    """

    def __init__(self, settings: TracesSettings, processor: SpanProcessor | None = None) -> None:
        self._share = settings.sample
        self._provider = TracerProvider(
            sampler=ParentBased(ALWAYS_ON),
            resource=Resource.create({"service.name": settings.service}),
        )
        exporter = OTLPSpanExporter(settings.endpoint, headers=settings.headers) if processor is None else None
        self._provider.add_span_processor(BatchSpanProcessor(exporter) if exporter else processor)  # type: ignore[arg-type]
        self._tracer = self._provider.get_tracer("storegraph.router")

    def begin(
        self, name: str, parent: str | None, kind: Kind, attributes: Attributes, *, begun_ns: int | None = None
    ) -> Span:
        """Begin a span.

        Args:
            name: what it is.
            parent: the `traceparent` that it belongs below; without one it begins a trace.
            kind: whether something is answered, asked, or done within.
            attributes: what is known of it from the beginning.
            begun_ns: when it began, if that was earlier.
        """
        context = _PROPAGATOR.extract({"traceparent": parent}, Context()) if parent else Context()
        return self._tracer.start_span(name, context, _KINDS[kind], attributes, start_time=begun_ns)

    def is_chosen(self) -> bool:
        """Tell whether somebody is to look at a new trace, by chance."""
        return self._share >= 1 or random.random() < self._share  # noqa: S311 - nothing secret

    @staticmethod
    def passed_over(request_id: bytes) -> str:
        """Return the `traceparent` of a new trace that nobody is to look at.

        It follows from the id of its request, so that whoever writes logs finds it again without having kept it.
        """
        digest = blake2b(request_id, digest_size=24).hexdigest()
        return f"00-{digest[:32]}-{digest[32:]}-00"

    def close(self) -> None:
        """Send what is left; this waits."""
        self._provider.shutdown()

    @staticmethod
    def traceparent_of(span: Span) -> str:
        """Return the text by which others go on below a span."""
        context = span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    @staticmethod
    def mark_failed(span: Span, kind: str) -> None:
        """Note that what a span stands for has failed."""
        span.set_attribute("error.type", kind)
        span.set_status(Status(StatusCode.ERROR, kind))
