"""Every reference case through the engine, in one process and without sockets."""

from __future__ import annotations

import contextlib
import sys
from importlib import import_module
from pathlib import Path

import orjson
import pytest

from router.execution import Engine, ExecutionError, GraphQLRequest
from router.execution.transports import InProcessTransport, SubgraphResponse
from router.supergraph import load_supergraph

FOLDER = Path(__file__).parents[3].parent / "shared" / "federation-cases"
SUITES = sorted(each.name for each in (FOLDER / "cases").glob("*")) if FOLDER.is_dir() else []

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SUITES, reason="the reference cases are not beside the repository"),
]


def load(name):
    sys.path.insert(0, str(FOLDER))
    try:
        return import_module("fedcases").load_case(name)
    finally:
        sys.path.remove(str(FOLDER))


def transport(subgraph):
    async def execute(query, variables, operation_name, *, headers, context):
        return subgraph.execute(query, variables, operation_name)

    return InProcessTransport(execute)


class BytesTransport:
    """Answers in JSON text, as a subgraph over a wire does."""

    def __init__(self, subgraph):
        self.subgraph = subgraph

    async def send(self, request):
        operation = request.operation
        variables = orjson.loads(orjson.dumps(request.variables))
        answer = self.subgraph.execute(operation.document, variables, operation.operation_name)
        return SubgraphResponse(body=orjson.dumps(answer))


@pytest.mark.parametrize("name", SUITES)
async def test_suite(name):
    """Each request of a suite gets the answer that the suite expects."""
    assert not await failures(name)


@pytest.mark.parametrize("name", SUITES)
async def test_suite_with_careful_code(name):
    """The code for working trees in disorder answers those in order just the same."""
    assert not await failures(name, careful=True)


@pytest.mark.parametrize("name", SUITES)
async def test_suite_from_recall(name):
    """What is recalled, because the subgraphs answered the same bytes as before, is the same answer."""
    assert not await failures(name, times=3, transport=BytesTransport)


async def failures(name, *, careful=False, times=1, transport=transport):
    suite = load(name)
    transports = {key: transport(subgraph) for key, subgraph in suite.subgraphs.items()}
    engine = Engine(load_supergraph(suite.supergraph), transports)
    found = []
    for test in suite.tests:
        request = GraphQLRequest(test.query, test.variables)
        if careful:
            await use_careful_code(engine, request)
        for _ in range(1 if "mutation" in test.query else times):
            response = await engine.execute(request)
            if failure := test.failure(response.as_dict()):
                found.append((test.id, failure, response.errors))
    return found


async def use_careful_code(engine, request):
    with contextlib.suppress(ExecutionError):
        operation = await engine.prepare(request)
        program = await engine.program(operation, operation.variables.read(request.variables))
        object.__setattr__(program, "quick", program.careful)
