"""Which operations an engine has lately run, so that the engine that takes its place can have them ready."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from router.execution.engine import Engine
from router.execution.errors import ExecutionError
from router.execution.exchange import GraphQLRequest
from router.execution.prepared import PreparedOperation


@dataclass(frozen=True, slots=True)
class HotOperation:
    """An operation that was asked for, and the variants of it that ran."""

    request: GraphQLRequest
    operation: PreparedOperation


def hot_operations(engine: Engine, most: int) -> list[HotOperation]:
    """Return the operations that an engine remembers, those used last first."""
    return [
        HotOperation(GraphQLRequest(query, operation_name=name), operation)
        for (query, name), operation in engine.remembered(most)
    ]


async def warm_up_documents(engine: Engine, documents: Iterable[str]) -> int:
    """Prepare and compile documents that clients have announced; return how many are good."""
    ready = 0
    for document in documents:
        try:
            operation = await engine.prepare(GraphQLRequest(document))
            if operation.kind != "subscription":
                await engine.program(operation, {})
            ready += 1
        except ExecutionError:
            continue
    return ready


async def warm_up(engine: Engine, hot: HotOperation) -> bool:
    """Prepare and compile an operation as it ran on another engine; tell whether it is good on this one."""
    try:
        operation = await engine.prepare(hot.request)
        for values, labels in hot.operation.variants():
            await engine.program(operation, values, labels)
    except ExecutionError:
        return False
    return True
