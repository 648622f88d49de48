"""The reference semantics of `router.planner.plan`, and the federation cases.

The interpreter reads a plan literally and slowly; the compiled executor must answer as it does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    get_operation_ast,
    is_abstract_type,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    parse,
    validate,
    value_from_ast_untyped,
)

from router.planner import Planner, condition_variables
from router.planner.plan import (
    EntityCall,
    Fetch,
    FieldStep,
    ListStep,
    QueryPlan,
    Rename,
    RepresentationField,
    TypeStep,
)
from router.supergraph import Supergraph, load_supergraph

CASES = Path(__file__).parents[3] / "shared" / "federation-cases"
Subgraph = Callable[[str, str, dict[str, Any]], dict[str, Any]]
"""Answers a document and variables in the name of a subgraph."""


@dataclass
class Interpretation:
    """One run of a plan: the working tree grows, errors are collected."""

    plan: QueryPlan
    subgraph: Subgraph
    variables: Mapping[str, Any]
    tree: dict[str, Any] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> None:
        for fetch in self.plan.fetches:
            if fetch.entities:
                self.fetch_entities(fetch)
            else:
                self.fetch_root(fetch)

    def send(self, fetch: Fetch, representations: dict[str, Any]) -> dict[str, Any]:
        known = {name: self.variables[name] for name in fetch.variables if name in self.variables}
        result = self.subgraph(fetch.subgraph, fetch.document, known | representations)
        self.errors += result.get("errors") or []
        return result.get("data") or {}

    def fetch_root(self, fetch: Fetch) -> None:
        targets = list(find(self.tree, fetch.path))
        if targets:
            data = self.send(fetch, {})
            rename(data, fetch.renames)
            for target in targets:
                merge(target, json.loads(json.dumps(data)))

    def fetch_entities(self, fetch: Fetch) -> None:
        """Send the fetch once for each combination of context values; usually there are none."""
        waiting: dict[str, list[tuple[EntityCall, dict[str, Any], dict[str, Any]]]] = {}
        for call in fetch.entities:
            for target, values in find_with_contexts(self.tree, call):
                representation = represent(call, target)
                if representation is not None:
                    waiting.setdefault(json.dumps(values), []).append((call, representation, target))
        for values, calls in waiting.items():
            self.fetch_group(fetch, json.loads(values), calls)

    def fetch_group(
        self, fetch: Fetch, values: dict[str, Any], waiting: list[tuple[EntityCall, dict[str, Any], dict[str, Any]]]
    ) -> None:
        sent: dict[str, dict[str, Any]] = {call.variable: {} for call in fetch.entities}
        for call, representation, _target in waiting:
            sent[call.variable][text_of(representation)] = representation
        data = self.send(fetch, values | {name: list(items.values()) for name, items in sent.items()})
        entities: dict[str, dict[str, Any]] = {}
        for call in fetch.entities:
            if call.alias not in entities:
                answers = data.get(call.alias) or []
                for entity in answers:
                    rename(entity, call.renames)
                entities[call.alias] = dict(zip(sent[call.variable], answers, strict=False))
        for call, representation, target in waiting:
            entity = entities[call.alias].get(text_of(representation))
            if entity is not None:
                merge(target, json.loads(json.dumps(entity)))


def text_of(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def find_with_contexts(tree: dict[str, Any], call: EntityCall) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the objects of a call with the values that enclosing objects give."""
    depths = sorted({context.depth for context in call.contexts})

    def down(value: Any, done: int, known: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        following = next((depth for depth in depths if depth > done), len(call.path))
        for inner in find(value, call.path[done:following]):
            found = known | {
                context.variable: context_value(inner, context.paths)
                for context in call.contexts
                if context.depth == following
            }
            if following == len(call.path):
                yield inner, found
            else:
                yield from down(inner, following, found)

    start = {c.variable: context_value(tree, c.paths) for c in call.contexts if c.depth == 0}
    yield from down(tree, 0, start)


def context_value(value: dict[str, Any], paths: tuple[Any, ...]) -> Any:
    for path in paths:
        for holder in find(value, path[:-1]):
            if path[-1].key in holder:
                return holder[path[-1].key]
    return None


def find(value: Any, path: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    """Yield the objects at a path."""
    if value is None:
        return
    if not path:
        assert isinstance(value, dict)
        yield value
        return
    match path[0]:
        case FieldStep(key):
            yield from find(value.get(key), path[1:])
        case ListStep():
            for item in value:
                yield from find(item, path[1:])
        case TypeStep(types):
            if value.get("__typename") in types:
                yield from find(value, path[1:])


class MissingError(Exception):
    """A representation cannot be made."""


def represent(call: EntityCall, target: dict[str, Any]) -> dict[str, Any] | None:
    for representation in call.representations:
        if representation.types is None or target.get("__typename") in representation.types:
            typename = representation.typename or target["__typename"]
            try:
                return {"__typename": typename} | fields_of(representation.selections, target)
            except MissingError:
                return None
    return None


def fields_of(selections: Any, target: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for selection in selections:
        if isinstance(selection, RepresentationField):
            if selection.key not in target:
                raise MissingError
            found[selection.name] = value_of(selection.selections, target[selection.key])
        elif target["__typename"] in selection.types:
            found |= fields_of(selection.selections, target)
    return found


def value_of(selections: Any, value: Any) -> Any:
    if value is None or not selections:
        return value
    if isinstance(value, list):
        return [value_of(selections, item) for item in value]
    return fields_of(selections, value)


def rename(data: Any, renames: tuple[Rename, ...]) -> None:
    for step in renames:
        for target in find_untyped(data, step.path):
            if step.old in target:
                target[step.new] = target.pop(step.old)


def find_untyped(value: Any, path: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    return find(value, path)


def merge(target: dict[str, Any], source: dict[str, Any]) -> None:
    """Merge deeply; lists item by item."""
    for key, value in source.items():
        target[key] = merged(target.get(key), value)


def merged(known: Any, value: Any) -> Any:
    if isinstance(known, dict) and isinstance(value, dict):
        merge(known, value)
        return known
    if isinstance(known, list) and isinstance(value, list):
        return [merged(old, new) for old, new in zip(known, value, strict=True)]
    return known if value is None and known is not None else value


def defaults(operation: OperationDefinitionNode | None) -> dict[str, Any]:
    """Return the default values of an operation's variables."""
    return {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in (operation.variable_definitions or () if operation else ())
        if definition.default_value is not None
    }


def answer(
    supergraph: Supergraph,
    planner: Planner,
    subgraph: Subgraph,
    query: str,
    variables: Mapping[str, Any] | None = None,
    operation_name: str | None = None,
    labels: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Answer a client's request."""
    document = parse(query)
    if problems := validate(supergraph.api_schema, document):
        return {"errors": [problem.formatted for problem in problems]}
    given = defaults(get_operation_ast(document, operation_name)) | dict(variables or {})
    conditions = {name: bool(given[name]) for name in condition_variables(document, operation_name)}
    plan = planner.plan(document, operation_name, conditions, labels)
    run = Interpretation(plan, subgraph, given)
    run.run()
    projection = Projection(supergraph.api_schema, document, given)
    operation = get_operation_ast(document, operation_name)
    root = supergraph.api_schema.get_root_type(operation.operation)
    try:
        data = projection.object_of(root, [operation.selection_set], run.tree)
    except NullError:
        data = None
    errors = run.errors + projection.errors
    return {"data": data} | ({"errors": errors} if errors else {})


class NullError(Exception):
    """A null stands where none may."""


class Projection:
    """The client's answer out of the working tree, with nulls bubbling by the public schema."""

    def __init__(self, schema: GraphQLSchema, document: Any, variables: Mapping[str, Any]) -> None:
        self.schema = schema
        self.fragments = {d.name.value: d for d in document.definitions if hasattr(d, "type_condition")}
        self.variables = variables
        self.errors: list[dict[str, Any]] = []

    def object_of(self, type_: Any, sets: list[Any], value: dict[str, Any]) -> dict[str, Any]:
        runtime = value.get("__typename", type_.name) if is_abstract_type(type_) else type_.name
        concrete = self.schema.type_map[runtime]
        found: dict[str, list[Any]] = {}
        for node in sets:
            self.collect(type_, concrete, node, found)
        return {key: self.field_of(concrete, key, nodes, value) for key, nodes in found.items()}

    def field_of(self, type_: Any, key: str, nodes: list[Any], value: dict[str, Any]) -> Any:
        name = nodes[0].name.value
        if name == "__typename":
            return type_.name if is_object_type(type_) else value.get(key, value.get("__typename"))
        sets = [node.selection_set for node in nodes]
        return self.complete(type_.fields[name].type, sets, value.get(key))

    def complete(self, type_: Any, sets: list[Any], value: Any) -> Any:
        if is_non_null_type(type_):
            value = self.complete(type_.of_type, sets, value)
            if value is None:
                self.errors.append({"message": f"null for {type_}"})
                raise NullError
            return value
        try:
            return self.complete_nullable(type_, sets, value)
        except NullError:
            return None

    def complete_nullable(self, type_: Any, sets: list[Any], value: Any) -> Any:
        if value is None:
            return None
        if is_list_type(type_):
            return [self.complete(type_.of_type, sets, item) for item in value]
        if is_leaf_type(type_):
            return None if is_enum_type(type_) and value not in type_.values else value
        return self.object_of(type_, sets, value)

    def collect(self, type_: Any, concrete: Any, node: Any, found: dict[str, list[Any]]) -> None:
        for selection in node.selections:
            if not self.included(selection):
                continue
            if isinstance(selection, FieldNode):
                found.setdefault((selection.alias or selection.name).value, []).append(selection)
                continue
            fragment = selection
            if not hasattr(selection, "selection_set"):
                fragment = self.fragments[selection.name.value]
            if fragment.type_condition is None or self.applies(concrete, fragment.type_condition.name.value):
                self.collect(type_, concrete, fragment.selection_set, found)

    def applies(self, concrete: Any, condition: str) -> bool:
        """Whether a fragment holds; where the type does not matter, the abstract type stands for it."""
        return self.possible(concrete) <= self.possible(self.schema.type_map[condition])

    def possible(self, type_: Any) -> set[str]:
        if is_object_type(type_):
            return {type_.name}
        return {possible.name for possible in self.schema.get_possible_types(type_)}

    def included(self, node: Any) -> bool:
        for directive in node.directives or ():
            if directive.name.value in {"skip", "include"}:
                value = value_from_ast_untyped(directive.arguments[0].value, self.variables)
                if value == (directive.name.value == "skip"):
                    return False
        return True


@pytest.fixture(scope="session")
def interpret() -> Callable[..., dict[str, Any]]:
    """Plan and interpret a request: (supergraph, planner, subgraph, query, variables) -> response."""
    return answer


@pytest.fixture(scope="session")
def federation_cases() -> Any:
    """The package of the shared federation cases."""
    if not CASES.is_dir():
        pytest.skip("the shared cases are not here")
    sys.path.insert(0, str(CASES))
    import fedcases

    return fedcases


@pytest.fixture(scope="session")
def load() -> Callable[[str], Supergraph]:
    """Load a supergraph, each text once."""
    known: dict[str, Supergraph] = {}

    def loaded(sdl: str) -> Supergraph:
        if sdl not in known:
            known[sdl] = load_supergraph(sdl)
        return known[sdl]

    return loaded
