"""The plan in Apollo's format, for tools that read it.

That format knows waves instead of dependencies, and one entity call to a request. So fetches are told in waves (a fetch
stands in the first where everything it depends on is there), and calls that travel together stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, parse, print_ast

from router.planner.plan import (
    ContextValue,
    DeferredPart,
    EntityCall,
    Fetch,
    FieldStep,
    ListStep,
    Path,
    QueryPlan,
    Rename,
    Representation,
    RepresentationField,
    RepresentationSelection,
)

_REPRESENTATIONS = "representations"


def plan_json(plan: QueryPlan) -> dict[str, Any]:
    """Return the plan as JSON values."""
    if plan.parts:
        return {"kind": "QueryPlan", "node": _defer_node(plan)}
    waves = _wave_nodes(plan.fetches)
    if plan.kind == "subscription" and waves:
        rest = {"rest": _joined("Sequence", waves[1:])} if waves[1:] else {}
        return {"kind": "QueryPlan", "node": {"kind": "Subscription", "primary": waves[0], **rest}}
    return {"kind": "QueryPlan"} | ({"node": _joined("Sequence", waves)} if waves else {})


def _defer_node(plan: QueryPlan) -> dict[str, Any]:
    """Return the fetches of what comes at once, and those of each part with what they wait for."""
    at_once = _wave_nodes([fetch for fetch in plan.fetches if not fetch.deferred])
    primary = {"node": _joined("Sequence", at_once)} if at_once else {}
    return {"kind": "Defer", "primary": primary, "deferred": [_deferred_node(plan, part) for part in plan.parts]}


def _deferred_node(plan: QueryPlan, part: DeferredPart) -> dict[str, Any]:
    own = [fetch for fetch in plan.fetches if fetch.deferred == part.deferred]
    depends = frozenset().union(*(fetch.depends_on for fetch in own)) - {fetch.id for fetch in own}
    waves = _wave_nodes(own)
    return {
        "depends": [{"id": str(number)} for number in sorted(depends)],
        "label": part.label,
        "queryPath": _path(part.path),
        **({"node": _joined("Sequence", waves)} if waves else {}),
    }


def _wave_nodes(fetches: Sequence[Fetch]) -> list[dict[str, Any]]:
    return [_joined("Parallel", [node for fetch in wave for node in _nodes(fetch)]) for wave in _waves(fetches)]


def _waves(fetches: Sequence[Fetch]) -> list[list[Fetch]]:
    depths: dict[int, int] = {}
    waves: list[list[Fetch]] = []
    for fetch in fetches:
        depth = depths[fetch.id] = 1 + max((depths.get(other, -1) for other in fetch.depends_on), default=-1)
        if depth == len(waves):
            waves.append([])
        waves[depth].append(fetch)
    return waves


def _joined(kind: str, nodes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return nodes[0] if len(nodes) == 1 else {"kind": kind, "nodes": list(nodes)}


def _nodes(fetch: Fetch) -> Iterator[dict[str, Any]]:
    if fetch.entities:
        for call in fetch.entities:
            yield _flattened(call.path, _entity_node(fetch, call))
    else:
        yield _flattened(fetch.path, _node(fetch, fetch.document, fetch.renames))


def _flattened(path: Path, node: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "Flatten", "path": _path(path), "node": node} if path else node


def _node(fetch: Fetch, document: str, renames: Sequence[Rename]) -> dict[str, Any]:
    node: dict[str, Any] = {
        "kind": "Fetch",
        "serviceName": fetch.subgraph,
        "variableUsages": list(fetch.variables),
        "operation": document,
        "operationKind": fetch.kind,
        "operationName": fetch.operation_name,
        "id": str(fetch.id),
    }
    if renames:
        node["outputRewrites"] = [_renamer(rename) for rename in renames]
    return node


def _entity_node(fetch: Fetch, call: EntityCall) -> dict[str, Any]:
    node = _node(fetch, _single_call(fetch, call), call.renames)
    node["requires"] = [_required(representation) for representation in call.representations]
    if call.contexts:
        node["contextRewrites"] = [
            _context_renamer(call, value, path) for value in call.contexts for path in value.paths
        ]
    return node


def _single_call(fetch: Fetch, call: EntityCall) -> str:
    """Return the document with only one of its calls."""
    operation = parse(fetch.document, no_location=True).definitions[0]
    if not isinstance(operation, OperationDefinitionNode):
        raise TypeError("a fetch sends an operation")
    own = next(
        node
        for node in operation.selection_set.selections
        if isinstance(node, FieldNode) and (node.alias or node.name).value == call.alias
    )
    others = {other.variable for other in fetch.entities} - {call.variable}
    definitions = [
        print_ast(definition)
        for definition in operation.variable_definitions or ()
        if definition.variable.name.value not in others
    ]
    selection = "" if own.selection_set is None else print_ast(own.selection_set)
    return f"query({', '.join(definitions)}) {{ _entities(representations: ${call.variable}) {selection} }}"


def _required(representation: Representation) -> dict[str, Any]:
    return {
        "kind": "InlineFragment",
        "typeCondition": representation.typename,
        "selections": [{"kind": "Field", "name": "__typename"}, *map(_selection, representation.selections)],
    }


def _selection(selection: RepresentationSelection) -> dict[str, Any]:
    if not isinstance(selection, RepresentationField):
        return {
            "kind": "InlineFragment",
            "typeCondition": "|".join(sorted(selection.types)),
            "selections": [_selection(inner) for inner in selection.selections],
        }
    node: dict[str, Any] = {"kind": "Field", "name": selection.name}
    if selection.key != selection.name:
        node["alias"] = selection.key
    if selection.selections:
        node["selections"] = [_selection(inner) for inner in selection.selections]
    return node


def _renamer(rename: Rename) -> dict[str, Any]:
    return {"kind": "KeyRenamer", "path": [*_path(rename.path), rename.old], "renameKeyTo": rename.new}


def _context_renamer(call: EntityCall, value: ContextValue, path: Path) -> dict[str, Any]:
    up = [".." for step in call.path[value.depth :] if isinstance(step, FieldStep)]
    return {"kind": "KeyRenamer", "path": [*up, *_path(path)], "renameKeyTo": value.variable}


def _path(path: Path) -> list[str]:
    found: list[str] = []
    for step in path:
        if isinstance(step, FieldStep):
            found.append(step.key)
        elif isinstance(step, ListStep):
            found.append(f"@{step.bounds}")
        elif found:
            found[-1] += f"|[{','.join(sorted(step.types))}]"
    return found
