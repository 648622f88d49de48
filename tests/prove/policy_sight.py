"""Traces of a whole sale: one leads from the click over router, subgraphs, statements and events to the notice."""

from __future__ import annotations

import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typing_extensions import override

from runtime.demo.client import Client
from runtime.demo.journey import STEPS, Journey
from runtime.ports import free_port
from tests.prove.checkout import HERE, Checkout, running, wait_until
from tests.prove.claims import Prover

WANTED = {
    "the client's request": ("storegraph-router", "POST /graphql"),
    "a fetch": ("storegraph-router", "fetch orders"),
    "the operation of a subgraph": ("storegraph-orders", "graphql orders"),
    "a statement": ("storegraph-orders", "postgresql orders"),
    "another subgraph that is called": ("storegraph-payments", "graphql payments"),
    "the confirmation's consumer": ("storegraph-notifications", "handle OrderConfirmed"),
}
PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Seen:
    """A span, as far as it matters here."""

    service: str
    name: str
    parent: bytes


class Collector:
    """Takes traces as any receiver of the OpenTelemetry protocol would."""

    def __init__(self) -> None:
        self.traces: dict[bytes, list[Seen]] = defaultdict(list)
        self.port = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listen from a thread."""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.take(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            @override
            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()

    def take(self, body: bytes) -> None:
        """Read what was exported."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.traces[span.trace_id].append(Seen(names["service.name"], span.name, span.parent_span_id))

    def whole(self) -> list[Seen] | None:
        """Return the trace that reaches to the notice, if there is one by now."""
        wanted = set(WANTED.values())
        return next((spans for spans in list(self.traces.values()) if wanted <= _names(spans)), None)


def _names(spans: list[Seen]) -> set[tuple[str, str]]:
    """Return what there is, whatever the operation of the request is called."""
    return {(each.service, "POST /graphql" if not each.parent else each.name) for each in list(spans)}


def prove_sight(prover: Prover) -> None:
    """Buy something in a store whose traces are collected."""
    collector, port = Collector(), free_port()
    with (
        prover.part("One trace from the click to the confirmation"),
        tempfile.TemporaryDirectory() as folder,
        collector.running(),
    ):
        command = [
            "env", f"STOREGRAPH_TRACES_URL=http://127.0.0.1:{collector.port}/v1/traces",
            str(HERE / ".venv/bin/storegraph"), "up", "--port", str(port), "--data-dir", str(Path(folder) / "data"),
        ]  # fmt: skip
        with running(Checkout(HERE), command, port) as store:
            journey = Journey(Client(store.url), patience=PATIENCE)
            for _, step in STEPS[:-1]:
                step(journey)
            try:
                wait_until(lambda: collector.whole() is not None, PATIENCE)
            except TimeoutError:
                prover.check("a trace with all of a sale", f"{len(collector.traces)} traces", "one", holds=False)
            found = _names(collector.whole() or max(collector.traces.values(), key=len))
            for title, wanted in WANTED.items():
                prover.check(
                    f"in one trace: {title}", "there" if wanted in found else "missing", "there", wanted in found
                )
