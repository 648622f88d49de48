"""For how long an answer may be kept: as long as the strictest of what it is made of.

Two sources speak. A subgraph may send `Cache-Control` with its answer. And the schema may carry Apollo's directive
`@cacheControl(maxAge, scope, inheritMaxAge)`, passed on by `@composeDirective`: then a root field or one that leads to
objects may be kept for its own `maxAge`, else that of its type, else not at all, and plain values as long as what holds
them. Where the schema carries none, a subgraph that says nothing stands for the default of the settings.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    value_from_ast_untyped,
)

from router.execution.assembly import Assembling, Representations
from router.execution.cache_policy import UNKEPT, UNLIMITED, CachePolicy, read_cache_control
from router.execution.compiler import Program
from router.execution.exchange import GraphQLResponse
from router.execution.transports.port import SubgraphResponse
from router.planner.plan import Fetch
from router.supergraph import Supergraph

DIRECTIVE: Final = "cacheControl"


@dataclass(frozen=True, slots=True)
class _Hint:
    """What a directive says; a part that it leaves out is None."""

    max_age: int | None
    private: bool
    inherits: bool


_Hints: TypeAlias = Mapping[tuple[str, str | None], _Hint]
"""Hints by the name of a type, and of its field if it is about that."""


def _hints(document: DocumentNode) -> _Hints:
    found: dict[tuple[str, str | None], _Hint] = {}
    for node in document.definitions:
        name = getattr(getattr(node, "name", None), "value", "")
        for place, directives in _places(node):
            for directive in directives:
                if directive.name.value == DIRECTIVE:
                    found[name, place] = _hint(directive)
    return found


def _places(node: Any) -> Iterable[tuple[str | None, Iterable[DirectiveNode]]]:
    yield None, getattr(node, "directives", None) or ()
    for each in getattr(node, "fields", None) or ():
        yield each.name.value, each.directives or ()


def _hint(directive: DirectiveNode) -> _Hint:
    given = {each.name.value: value_from_ast_untyped(each.value) for each in directive.arguments or ()}
    max_age = given.get("maxAge")
    private, inherits = given.get("scope") == "PRIVATE", bool(given.get("inheritMaxAge"))
    return _Hint(max_age if isinstance(max_age, int) else None, private, inherits)


class CacheRules:
    """Knows for how long answers on one schema may be kept.

    Args:
        document: the supergraph, with its directives.
        schema: that clients see.
        default_max_age: seconds for an answer of a subgraph that says nothing itself.
    """

    def __init__(self, document: DocumentNode, schema: GraphQLSchema, default_max_age: int) -> None:
        self._hints = _hints(document)
        self._schema = schema
        self._default = default_max_age
        self._declared: WeakKeyDictionary[Program, CachePolicy] = WeakKeyDictionary()

    def learn(
        self, program: Program, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        """Work out what the schema says of an operation, if it says anything."""
        root = self._schema.get_root_type(operation.operation)
        if not self._hints or root is None:
            return
        walk = _Walk(self._schema, self._hints, fragments, self._default)
        walk.selections(root, operation.selection_set, None)
        policy = walk.policy if operation.operation.value == "query" else UNKEPT
        self._declared[program] = policy

    def watching(self, program: Program, inner: Assembling) -> Assembling:
        """Return an assembly that does what another does, and says how its answer may be kept."""
        if program.plan.kind != "query":
            return _WatchingAssembly(inner, UNKEPT, None)
        declared = self._declared.get(program)
        # Where the schema says something, a subgraph that is silent agrees; else the default speaks for it.
        silent = CachePolicy(self._default) if declared is None else UNLIMITED
        return _WatchingAssembly(inner, declared or UNLIMITED, silent)


def cache_rules(supergraph: Supergraph, default_max_age: int | None) -> CacheRules | None:
    """Return the rules of a supergraph; None where it is not asked how answers may be kept."""
    if default_max_age is None:
        return None
    return CacheRules(supergraph.document, supergraph.api_schema, default_max_age)


class _Walk:
    """A walk through an operation."""

    def __init__(
        self,
        schema: GraphQLSchema,
        hints: _Hints,
        fragments: Mapping[str, FragmentDefinitionNode],
        default: int,
    ) -> None:
        self._schema = schema
        self._hints = hints
        self._fragments = fragments
        self._default = default
        self.policy = UNLIMITED

    def selections(self, parent: GraphQLNamedType, selection_set: SelectionSetNode, age: int | None) -> None:
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                if not node.name.value.startswith("__"):
                    self._field(parent, node, age)
                continue
            fragment = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if isinstance(fragment, InlineFragmentNode | FragmentDefinitionNode):
                condition = fragment.type_condition
                inner = self._schema.type_map[condition.name.value] if condition else parent
                self.selections(inner, fragment.selection_set, age)

    def _field(self, parent: GraphQLNamedType, node: FieldNode, age: int | None) -> None:
        kind = get_named_type(getattr(parent, "fields", {})[node.name.value].type)
        own = self._hints.get((parent.name, node.name.value))
        of_type = self._hints.get((kind.name, None))
        hints = [hint for hint in (own, of_type) if hint is not None]
        said = next((hint.max_age for hint in hints if hint.max_age is not None), None)
        inherits = any(hint.inherits for hint in hints) or not is_composite_type(kind)
        if said is None:
            said = age if age is not None and inherits else self._default
        self.policy = self.policy.and_also(CachePolicy(said, any(hint.private for hint in hints)))
        if node.selection_set:
            self.selections(kind, node.selection_set, said)


class _WatchingAssembly:
    """Passes everything on, and notes what the subgraphs say of their answers."""

    __slots__ = ("_inner", "_policy", "_silent")

    def __init__(self, inner: Assembling, policy: CachePolicy, silent: CachePolicy | None) -> None:
        self._inner = inner
        self._policy = policy
        self._silent = silent

    def ask(self, fetch: Fetch) -> Representations | None:
        """Return what a fetch of entities asks about; None if there is nobody to ask about."""
        return self._inner.ask(fetch)

    def take(self, fetch: Fetch, response: SubgraphResponse) -> None:
        """Take in what a fetch brought."""
        if self._silent is not None:
            said = response.cache_control
            heard = read_cache_control(said, self._silent.max_age) if said else self._silent
            self._policy = self._policy.and_also(heard)
        self._inner.take(fetch, response)

    def fail(self, fetch: Fetch, error: BaseException) -> None:
        """Take note that a fetch came to nothing."""
        self._policy = UNKEPT
        self._inner.fail(fetch, error)

    def respond(self) -> GraphQLResponse:
        """Return the answer; one that was made before is for others, who may have heard something else."""
        response = copy.copy(self._inner.respond())
        response.cache_policy = UNKEPT if response.errors else self._policy
        return response
