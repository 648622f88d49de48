"""Routes: declarations checked against the schema, and the table that finds the one for a path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    parse,
    print_ast,
    type_from_ast,
    validate,
    value_from_ast_untyped,
    visit,
)

from router.config import ConfigError, RouterSettings
from router.rest.declaration import Declaration, Range, RouteDeclaration, read_declaration
from router.rest.parameters import Parameter, Place, insist_on_text
from router.rest.schemas import walk

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_WITH_BODY: Final = ("POST", "PUT", "PATCH")

FindOperation = Callable[[str], str | None]
"""Returns the document of a published operation."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of an operation."""

    name: str
    kind: GraphQLType
    required: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class Body:
    """What a JSON body becomes: one variable as a whole, or one for each key."""

    whole: Variable | None
    keys: Mapping[str, Variable]

    @property
    def required(self) -> bool:
        """Whether there must be one."""
        return self.whole.required if self.whole else any(each.required for each in self.keys.values())


@dataclass(frozen=True, slots=True)
class Selected:
    """The part of an operation's data that is the answer: its type, and what is selected of it."""

    kind: GraphQLType
    selections: tuple[SelectionSetNode, ...]
    fragments: Mapping[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class Route:
    """A route that can be answered."""

    declared: RouteDeclaration
    document: str
    operation: str | None
    parameters: tuple[Parameter, ...]
    body: Body | None
    answer: tuple[str, ...]
    defaults: Mapping[str, Any]
    selected: Selected

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.declared.method


def read_routes(
    declaration: Declaration, folder: Path, schema: GraphQLSchema, find: FindOperation
) -> tuple[Route, ...]:
    """Check all routes of a declaration.

    Raises:
        ConfigError: one of them cannot be answered.
    """
    sources = _Sources(declaration, folder, find)
    routes = tuple(_route(each, sources, schema) for each in declaration.routes)
    known: set[tuple[str, str]] = set()
    for route in routes:
        shape = (route.method, _PLACEHOLDER.sub("{}", route.declared.template))
        if shape in known:
            raise ConfigError(f"the route '{route.declared.route}' is declared twice")
        known.add(shape)
    return routes


def _route(declared: RouteDeclaration, sources: _Sources, schema: GraphQLSchema) -> Route:
    try:
        return _checked_route(declared, sources.document(declared), schema)
    except ConfigError as error:
        raise ConfigError(f"route '{declared.route}': {error}") from error


def _checked_route(declared: RouteDeclaration, text: str, schema: GraphQLSchema) -> Route:
    operation, fragments = _operation(text, schema)
    if declared.method == "GET" and operation.operation.value != "query":
        raise ConfigError("a GET must not change anything")
    variables = _variables(operation, schema)
    parameters = _parameters(declared, variables)
    body = _body(declared, variables)
    _insist_on_all(variables, declared, parameters, body)
    selected = _selected(declared, schema.get_root_type(operation.operation), operation, fragments)
    name = operation.name.value if operation.name else None
    defaults = {each.name: each.default for each in variables.values() if each.default is not None}
    return Route(declared, text, name, parameters, body, tuple(declared.answer.split(".")), defaults, selected)


class _Sources:
    """Where the documents of routes come from."""

    def __init__(self, declaration: Declaration, folder: Path, find: FindOperation) -> None:
        self._fragments = _fragments(_parsed(declaration.fragments)) if declaration.fragments else {}
        self._folder = folder
        self._find = find

    def document(self, declared: RouteDeclaration) -> str:
        """Return the document of a route, with the shared fragments that it uses."""
        text = self._text(declared)
        if not self._fragments:
            return text
        document = _parsed(text)
        used = dict(_fragments(document))
        left = list(_spreads(document))
        while left:
            name = left.pop()
            if name not in used and name in self._fragments:
                used[name] = self._fragments[name]
                left += _spreads(used[name])
        more = [print_ast(each) for name, each in used.items() if self._fragments.get(name) is each]
        return "\n".join([text, *more])

    def _text(self, declared: RouteDeclaration) -> str:
        if declared.operation is not None:
            return declared.operation
        if declared.id is not None:
            found = self._find(declared.id)
            if found is None:
                raise ConfigError(f"no operation '{declared.id}' is published for all clients")
            return found
        path = self._folder / (declared.file or "")
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read {path}") from error


def _parsed(text: str) -> DocumentNode:
    try:
        return parse(text)
    except GraphQLError as error:
        raise ConfigError(error.message) from error


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}


class _SpreadFinder(Visitor):
    """Notes the names of the fragments that a node spreads."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        """Note a name."""
        self.names.append(node.name.value)


def _spreads(node: Node) -> list[str]:
    finder = _SpreadFinder()
    visit(node, finder)
    return finder.names


def _operation(text: str, schema: GraphQLSchema) -> tuple[OperationDefinitionNode, dict[str, FragmentDefinitionNode]]:
    document = _parsed(text)
    if errors := validate(schema, document):
        raise ConfigError(errors[0].message)
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation.value == "subscription":
        raise ConfigError("the document must hold one query or mutation")
    return operations[0], _fragments(document)


def _variables(operation: OperationDefinitionNode, schema: GraphQLSchema) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    for each in operation.variable_definitions or ():
        kind = type_from_ast(schema, each.type)
        if kind is None:
            raise ConfigError(f"${each.variable.name.value} is of no known type")
        name = each.variable.name.value
        default = each.default_value
        required = isinstance(kind, GraphQLNonNull) and default is None
        found[name] = Variable(name, kind, required, None if default is None else value_from_ast_untyped(default))
    return found


def _parameters(declared: RouteDeclaration, variables: Mapping[str, Variable]) -> tuple[Parameter, ...]:
    placeholders = _PLACEHOLDER.findall(declared.template)
    found = [_parameter(name, "path", declared.path.get(name, name), variables) for name in placeholders]
    found += [_parameter(name, "header", variable, variables) for name, variable in declared.headers.items()]
    query: Mapping[str, str | Range] = declared.query or {}
    if declared.query is None and declared.method not in _WITH_BODY:
        taken = {each.variable for each in found}
        query = {name: name for name in variables if name not in taken}
    found += [_parameter(name, "query", wanted, variables) for name, wanted in query.items()]
    for each in found:
        insist_on_text(each)
    return tuple(found)


def _parameter(name: str, place: Place, wanted: str | Range, variables: Mapping[str, Variable]) -> Parameter:
    span = wanted if isinstance(wanted, Range) else None
    variable = variables.get(wanted.variable if isinstance(wanted, Range) else wanted)
    if variable is None:
        raise ConfigError(f"'{name}' goes into no variable of the operation")
    return Parameter(name, place, variable.name, variable.kind, variable.required or place == "path", span)


def _body(declared: RouteDeclaration, variables: Mapping[str, Variable]) -> Body | None:
    if declared.body is not None:
        if declared.body not in variables:
            raise ConfigError(f"the body goes into ${declared.body}, which the operation does not have")
        return Body(variables[declared.body], {})
    if declared.method not in _WITH_BODY:
        return None
    queried = {each.variable if isinstance(each, Range) else each for each in (declared.query or {}).values()}
    placed = {declared.path.get(name, name) for name in _PLACEHOLDER.findall(declared.template)}
    taken = queried | placed | set(declared.headers.values())
    keys = {name: each for name, each in variables.items() if name not in taken}
    return Body(None, keys) if keys else None


def _insist_on_all(
    variables: Mapping[str, Variable], declared: RouteDeclaration, parameters: Iterable[Parameter], body: Body | None
) -> None:
    filled = {each.variable for each in parameters}
    if body is not None:
        filled |= {body.whole.name} if body.whole else set(body.keys)
    for each in variables.values():
        if each.required and each.name not in filled:
            raise ConfigError(f"nothing goes into ${each.name}")
    if declared.location is not None and not declared.location.startswith("/"):
        raise ConfigError("location must begin with /")


def _selected(
    declared: RouteDeclaration,
    root: GraphQLObjectType | None,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> Selected:
    if root is None:
        raise ConfigError("the schema has no such operations")
    try:
        kind, selections = walk(root, operation.selection_set, declared.answer.split("."), fragments)
    except KeyError as error:
        raise ConfigError(f"the operation selects nothing under '{declared.answer}'") from error
    return Selected(kind, tuple(selections), fragments)


class _Node:
    """A place in the tree of paths."""

    __slots__ = ("any", "named", "routes")

    def __init__(self) -> None:
        self.named: dict[str, _Node] = {}
        self.any: tuple[_Node, ...] = ()
        self.routes: dict[str, tuple[Route, tuple[str, ...]]] = {}


class RouteTable:
    """Finds the routes of a path; a segment that is spelt out goes before a placeholder."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            names: list[str] = []
            for segment in route.declared.template.strip("/").split("/"):
                if found := _PLACEHOLDER.fullmatch(segment):
                    names.append(found[1])
                    node.any = node.any or (_Node(),)
                    node = node.any[0]
                else:
                    node = node.named.setdefault(segment, _Node())
            node.routes[route.method] = (route, tuple(names))

    def find(self, path: str) -> tuple[Mapping[str, tuple[Route, tuple[str, ...]]], tuple[str, ...]] | None:
        """Return the routes of a path by their methods, each with the names of its placeholders, and their values."""
        return _find(self._root, path.strip("/").split("/"), 0, ())


def _find(
    node: _Node, segments: list[str], index: int, values: tuple[str, ...]
) -> tuple[Mapping[str, tuple[Route, tuple[str, ...]]], tuple[str, ...]] | None:
    if index == len(segments):
        return (node.routes, values) if node.routes else None
    segment = segments[index]
    if segment in node.named and (found := _find(node.named[segment], segments, index + 1, values)):
        return found
    if node.any and segment:
        return _find(node.any[0], segments, index + 1, (*values, segment))
    return None


def watched_files(settings: RouterSettings) -> tuple[Path, ...]:
    """Return the files whose change calls for a new release.

    Raises:
        ConfigError: the declaration cannot be used.
    """
    if settings.rest.routes is None:
        return ()
    path = Path(settings.rest.routes)
    declaration = read_declaration(path)
    return (path, *(path.parent / each.file for each in declaration.routes if each.file is not None))
