"""A compiled operation whose answer comes in parts (`@defer`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graphql import FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode

from router.execution.compiler.deferred_shape import DeferredShaper, Piece, Site
from router.execution.compiler.program import Program, Project, has_custom_scalars
from router.execution.compiler.projection import write_projection
from router.execution.compiler.shape import shape_of
from router.execution.compiler.source import Source
from router.execution.compiler.typed_reading import readers_of
from router.planner.deferral import Deferrals, Usage
from router.planner.plan import QueryPlan


@dataclass(frozen=True, slots=True, eq=False)
class DeferredProgram:
    """A program, and what of its answer comes later.

    Attributes:
        program: makes what comes at once, and runs all fetches.
        site: what is deferred at the root and below it; None where nothing is.
        labels: the labels of the fragments, by their numbers.
        at_once: the fetches that the first part waits for.
        fetches: the fetches that each fragment waits for besides.
        projections: make the data of each piece of an object, by the piece's identity.
    """

    program: Program
    site: Site | None
    labels: Mapping[int, str | None]
    at_once: frozenset[int]
    fetches: Mapping[Usage, frozenset[int]]
    projections: Mapping[int, Project]


def compile_deferred(
    schema: GraphQLSchema,
    plan: QueryPlan,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    deferrals: Deferrals,
) -> DeferredProgram:
    """Compile a plan in which fragments are deferred."""
    shaper = DeferredShaper(schema, fragments, deferrals)
    shape, site = shaper.of(operation)
    whole = shape_of(schema, operation, fragments, deferrals.conditions)
    return DeferredProgram(
        Program(plan, shape, has_custom_scalars(schema), whole, readers=readers_of(schema, plan)),
        site,
        deferrals.labels(),
        frozenset(fetch.id for fetch in plan.fetches if not fetch.deferred),
        _fetches(plan),
        _projections(shaper.pieces),
    )


def _fetches(plan: QueryPlan) -> Mapping[Usage, frozenset[int]]:
    usages = frozenset(usage for fetch in plan.fetches for usage in fetch.deferred)
    return {usage: frozenset(fetch.id for fetch in plan.fetches if usage in fetch.deferred) for usage in usages}


def _projections(pieces: Iterable[Piece]) -> Mapping[int, Project]:
    """Generate the code of all pieces; it takes nothing for granted, since what is missing is told by each part."""
    source = Source()
    names = {id(piece): source.name("piece") for piece in pieces}
    for piece in pieces:
        write_projection(source, names[id(piece)], piece.shape)
    functions = source.load({})
    return {piece: functions[name] for piece, name in names.items()}
