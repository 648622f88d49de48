"""The root of an operation: which subgraphs it begins in, and in which order."""

from __future__ import annotations

from collections.abc import Iterator

from router.planner.errors import UnplannableError
from router.planner.graph import Graph, Node
from router.planner.normalise import Operation
from router.planner.reach import JUMP_COST
from router.planner.selection import Field, Selection
from router.planner.steps import Step
from router.planner.tree import choose_ways
from router.planner.walk import Walker, Ways


def walk_operation(graph: Graph, walker: Walker, operation: Operation) -> Iterator[Ways]:
    """Walk an operation from its roots, and yield one choice of ways after the other, in the order of execution.

    The fields of a query are all walked at once. A field of a mutation or subscription is asked of one subgraph only,
    since it must not happen twice; neighbouring fields of one subgraph stay together.
    """
    nodes = graph.roots(operation.kind)
    if operation.kind == "query":
        if operation.selection.fields:
            yield _chosen(walker, nodes, operation.selection)
        return
    for node, fields in _runs(graph, walker, operation, nodes):
        yield _chosen(walker, (node,), Selection(operation.selection.type, tuple(fields)))


def _chosen(walker: Walker, nodes: tuple[Node, ...], selection: Selection) -> Ways:
    ways = walker.walk([Step.origin(node, JUMP_COST) for node in nodes], selection)
    choose_ways(ways)
    return ways


def _runs(
    graph: Graph, walker: Walker, operation: Operation, nodes: tuple[Node, ...]
) -> Iterator[tuple[Node, list[Field]]]:
    run: list[Field] = []
    last: Node | None = None
    for field in operation.selection.fields:
        node = _best_root(graph, walker, nodes, field, operation.selection.type)
        if last is not None and node is not last:
            yield last, run
            run = []
        last = node
        run.append(field)
    if last is not None:
        yield last, run


def _best_root(graph: Graph, walker: Walker, nodes: tuple[Node, ...], field: Field, type_name: str) -> Node:
    """Return the root from which the field and all below it cost least."""
    selection = Selection(type_name, (field,))
    owners = [node for node in nodes if graph.edge(node, field.name)]
    if not owners:
        raise UnplannableError(f"{type_name}.{field.name}", field.key, [node.subgraph for node in nodes], [])
    if len(owners) == 1:
        return owners[0]
    costs: list[tuple[float, int]] = []
    failure: UnplannableError | None = None
    for position, node in enumerate(owners):
        try:
            costs.append((_chosen(walker, (node,), selection).cost(), position))
        except UnplannableError as error:
            failure = error
    if not costs and failure is not None:
        raise failure
    return owners[min(costs)[1]]
