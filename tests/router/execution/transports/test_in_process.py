"""A subgraph in this process is called as one over a wire is asked: in time, and with faults as errors."""

from __future__ import annotations

import asyncio

import pytest

from router.execution import SubgraphTimeoutError, SubgraphUnreachableError
from router.execution.transports import InProcessTransport, SubgraphOperation, SubgraphRequest

OPERATION = SubgraphOperation("a", "query", "query Q($n: Int) { a(n: $n) }", "Q")


async def test_the_executor_gets_everything_and_its_answer_is_passed_on():
    calls = []

    async def execute(query, variables, operation_name, *, headers, context):
        calls.append((query, variables, operation_name, headers, context))
        return {"data": {"a": 1}}

    caller = object()
    request = SubgraphRequest(OPERATION, {"n": 2}, (("x", "1"),), value=caller, trace=(("traceparent", "t"),))
    response = await InProcessTransport(execute).send(request)
    assert (response.decoded, response.body) == ({"data": {"a": 1}}, None)
    assert calls == [(OPERATION.document, {"n": 2}, "Q", (("x", "1"), ("traceparent", "t")), caller)]


async def test_too_slow():
    async def execute(*_args, **_more):
        await asyncio.sleep(60)

    with pytest.raises(SubgraphTimeoutError):
        await InProcessTransport(execute).send(SubgraphRequest(OPERATION, {}, timeout=0.01))


async def test_an_exception_is_a_fault_that_tells_nothing():
    async def execute(*_args, **_more):
        raise LookupError("secret")

    with pytest.raises(SubgraphUnreachableError) as caught:
        await InProcessTransport(execute).send(SubgraphRequest(OPERATION, {}))
    assert "secret" not in str(caught.value)


async def test_cancelling_reaches_the_executor():
    cancelled = []

    async def execute(*_args, **_more):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    task = asyncio.ensure_future(InProcessTransport(execute).send(SubgraphRequest(OPERATION, {})))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert cancelled
