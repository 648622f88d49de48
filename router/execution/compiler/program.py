"""A compiled operation: the functions that were generated for it, and their source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any, Final, TypeAlias

import orjson
from graphql import (
    FragmentDefinitionNode,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    is_specified_scalar_type,
)

from router.execution.compiler.batches import Batch, batches_of
from router.execution.compiler.contextual import ContextualFetch, contextual_fetches
from router.execution.compiler.fetching import collect_name, merge_name, write_fetches
from router.execution.compiler.projection import write_projection
from router.execution.compiler.quick_projection import write_quick_projection
from router.execution.compiler.shape import Composite, shape_of
from router.execution.compiler.source import Source
from router.execution.compiler.typed_reading import TypedReader, readers_of
from router.execution.exchange import GraphQLErrorDict
from router.execution.json_text import write_json
from router.execution.merging import copy, merge, null
from router.execution.scales import Scales
from router.execution.transports.port import SubgraphOperation
from router.planner.plan import Fetch, QueryPlan

PROJECT = "project"

Tree: TypeAlias = dict[str, Any]
Targets: TypeAlias = list[list[Tree]]
Group: TypeAlias = tuple[tuple[Any, ...], list[Tree], Targets, dict[Any, list[Tree]]]
"""Values of contexts, and the representations of the objects that they go with."""
Collect: TypeAlias = Callable[[Tree, dict[str, list[Tree]]], Any]
"""Returns representations and targets, or a list of groups where the fetch has contexts."""
MergeRoot: TypeAlias = Callable[[Tree, Tree], None]
MergeEntities: TypeAlias = Callable[[list[Any], Targets], int]
Known: TypeAlias = dict[str, list[Tree]]
"""The objects that the functions of a program have found, by the names of these functions."""
Project: TypeAlias = Callable[[Tree, Known], Tree | None]


@dataclass(frozen=True, slots=True)
class BatchCode:
    """The functions of one batch of entity calls."""

    collect: Collect
    merge: MergeEntities


@dataclass(frozen=True, slots=True)
class FetchCode:
    """The functions of one fetch: `merge` of a root fetch, or those of its batches."""

    merge: MergeRoot | None
    batches: tuple[BatchCode, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """One make of a program."""

    source: str
    fetches: tuple[FetchCode, ...]
    project: Project


@dataclass(frozen=True, slots=True)
class Withheld:
    """What is kept from some callers, and so is not fetched for them.

    Attributes:
        paths: of the fields, `@` for the items of a list.
        errors: what the answer lists of it.
        extensions: what stands in the answer's extensions of it.
    """

    paths: tuple[tuple[str, ...], ...] = ()
    errors: tuple[GraphQLErrorDict, ...] = ()
    extensions: Mapping[str, Any] | None = None


NOTHING_WITHHELD: Final = Withheld()


@dataclass(frozen=True, eq=False)
class Program:
    """A plan and the code that runs it; known by its identity.

    Attributes:
        number: its own, among all programs of this process.
        scales: tell how much memory takes what it makes.
        plan: what was compiled.
        shape: what the client asked for, apart from what is deferred.
        exact: whether answers may hold numbers that must keep all their digits.
        whole: what the client asked for altogether, where part of it is deferred.
        readers: for fetches whose leaves are to be held to their types, what reads their answers.
        withheld: what the client asked for and does not get.
        operations: what each fetch sends, apart from its variables.
        batches: for each fetch, its batches of entity calls.
        contextual: those fetches whose calls have contexts, by id.
        starts: the fetches that wait for nothing.
        waits: for each fetch, how many others it waits for.
        ancestors: for each fetch, those that it depends on, directly or not.
        dependents: for each fetch, those that wait for it.
        quick: the code for a working tree in good order.
        careful: the code for any other; compiled when first needed.
    """

    plan: QueryPlan
    shape: Composite
    exact: bool = False
    whole: Composite | None = None
    readers: Mapping[int, TypedReader] = field(default_factory=dict)
    withheld: Withheld = NOTHING_WITHHELD
    number: int = field(init=False, default_factory=count().__next__)
    scales: Scales = field(init=False, default_factory=Scales)
    operations: tuple[SubgraphOperation, ...] = field(init=False)
    batches: tuple[tuple[Batch, ...], ...] = field(init=False)
    contextual: Mapping[int, ContextualFetch] = field(init=False)
    starts: tuple[Fetch, ...] = field(init=False)
    waits: tuple[int, ...] = field(init=False)
    ancestors: tuple[tuple[int, ...], ...] = field(init=False)
    dependents: tuple[tuple[Fetch, ...], ...] = field(init=False)
    quick: Code = field(init=False)

    def __post_init__(self) -> None:
        fetches = self.plan.fetches
        operations = tuple(
            SubgraphOperation(each.subgraph, each.kind, each.document, each.operation_name) for each in fetches
        )
        dependents = tuple(tuple(other for other in fetches if each.id in other.depends_on) for each in fetches)
        object.__setattr__(self, "operations", operations)
        object.__setattr__(self, "batches", tuple(map(batches_of, fetches)))
        object.__setattr__(self, "contextual", contextual_fetches(fetches, operations))
        object.__setattr__(self, "ancestors", _ancestors(self.plan))
        object.__setattr__(self, "starts", tuple(each for each in fetches if not each.depends_on))
        object.__setattr__(self, "waits", tuple(len(each.depends_on) for each in fetches))
        object.__setattr__(self, "dependents", dependents)
        whole, partial = self.whole is None, self.is_partial
        object.__setattr__(self, "quick", generate(self.plan, self.shape, careful=False, whole=whole, partial=partial))

    @property
    def is_partial(self) -> bool:
        """Whether it leaves out what is withheld from some callers."""
        return bool(self.withheld.paths)

    @property
    def asked(self) -> Composite:
        """What the client asked for altogether."""
        return self.whole or self.shape

    @cached_property
    def careful(self) -> Code:
        """The code that takes nothing for granted."""
        return generate(self.plan, self.shape, careful=True)


def compile_program(
    schema: GraphQLSchema,
    plan: QueryPlan,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    conditions: Mapping[str, bool],
    *,
    withheld: Withheld = NOTHING_WITHHELD,
) -> Program:
    """Compile the plan of the variant of an operation that the values of its conditions single out.

    Where something is withheld, the plan does not fetch it; it is null in the answer.
    """
    shape = shape_of(schema, operation, fragments, conditions)
    return Program(plan, shape, has_custom_scalars(schema), withheld=withheld, readers=readers_of(schema, plan))


def has_custom_scalars(schema: GraphQLSchema) -> bool:
    """Tell whether answers may hold numbers that must keep all their digits."""
    scalars = (each for each in schema.type_map.values() if isinstance(each, GraphQLScalarType))
    return not all(map(is_specified_scalar_type, scalars))


def generate(plan: QueryPlan, shape: Composite, *, careful: bool, whole: bool = True, partial: bool = False) -> Code:
    """Generate the code of a plan and load it.

    Args:
        plan: what is fetched.
        shape: what is answered.
        careful: whether the code takes nothing for granted.
        whole: whether the shape is all that the client asked for.
        partial: whether it has fields that are not fetched.
    """
    source = Source()
    finders = write_fetches(source, plan, careful=careful)
    if careful:
        write_projection(source, PROJECT, shape)
    else:
        write_quick_projection(source, PROJECT, shape, finders, whole=whole, partial=partial)
    dumps = write_json if careful else orjson.dumps
    names = source.load({"dumps": dumps, "merge": merge, "copy": copy, "null": null})
    return Code(source.text(), tuple(_fetch_code(each, names) for each in plan.fetches), names[PROJECT])


def _ancestors(plan: QueryPlan) -> tuple[tuple[int, ...], ...]:
    found: list[frozenset[int]] = []
    for fetch in plan.fetches:
        found.append(fetch.depends_on.union(*(found[each] for each in fetch.depends_on)))
    return tuple(tuple(sorted(each)) for each in found)


def _fetch_code(fetch: Fetch, names: Mapping[str, Any]) -> FetchCode:
    batches = tuple(
        BatchCode(names[collect_name(fetch, each)], names[merge_name(fetch, each)]) for each in batches_of(fetch)
    )
    return FetchCode(None if fetch.entities else names[merge_name(fetch)], batches)
