"""An operation with a time of its own gives its subgraphs what is left of it; others have the usual time."""

from __future__ import annotations

import pytest

from router.execution.engine import Engine
from router.execution.exchange import GraphQLRequest
from router.execution.settings import EngineSettings
from router.execution.transports.port import SubgraphResponse
from tests.router.cache.shop import Shop

ANSWERS = {"products": {"product": {"__typename": "Product", "id": "1"}}, "users": {"_entities": [{"score": 1}]}}


@pytest.mark.parametrize(("name", "most"), [("Quick", 20.0), ("Usual", 30.0)])
async def test_what_is_left_is_passed_on(name, most):
    timeouts = []

    class Noting:
        async def send(self, request):
            timeouts.append(request.timeout)
            return SubgraphResponse(decoded={"data": ANSWERS[request.operation.subgraph]})

    settings = EngineSettings(share_requests=False, operation_timeouts={"Quick": 20.0})
    engine = Engine(Shop().supergraph, {"products": Noting(), "users": Noting()}, settings)
    answer = await engine.execute(GraphQLRequest(f"query {name} {{ product(id: 1) {{ id score }} }}"))
    assert answer.data == {"product": {"id": "1", "score": 1}}
    assert len(timeouts) == 2
    assert all(most / 2 < each <= most for each in timeouts)
    assert most == 30.0 or timeouts[1] < timeouts[0]
