"""Documents that clients have announced are ready before they are asked for."""

from __future__ import annotations

from typing import Any

from router.composition import Composed, Subgraph, compose
from router.execution.engine import Engine
from router.execution.warm_up import warm_up_documents
from router.supergraph import load_supergraph


async def test_announced_documents_are_compiled_and_bad_ones_passed_over() -> None:
    composed = compose([Subgraph("a", "type Query { a(x: Int): Int } type Subscription { s: Int }", "http://a")])
    assert isinstance(composed, Composed), composed
    transports: dict[str, Any] = {"a": object()}
    engine = Engine(load_supergraph(composed.supergraph_sdl), transports)
    documents = ["{ a }", "query ($on: Boolean!) { a @include(if: $on) }", "{ b }", "{", "subscription { s }"]

    ready = await warm_up_documents(engine, documents)

    known = {query: len(operation.programs) for (query, _), operation in engine.remembered(10)}
    assert ready == 3
    assert known == {documents[0]: 1, documents[1]: 1, documents[4]: 0}
