"""Reads the schema of one subgraph: its links, the directives it may use, its root types.

What is found wrong here keeps the subgraph from being understood at all, so it is reported before any rule looks at it.
"""

from __future__ import annotations

from graphql import GraphQLSyntaxError

from router.composition.definitions import check_definitions
from router.composition.errors import CompositionError, Location
from router.composition.reporting import Report
from router.composition.subgraph import Subgraph, SubgraphSchema
from router.sdl.links import Links, find_links, localized, renamed_definition
from router.sdl.model import OPERATIONS, Kind, Schema, TypeDef
from router.sdl.reader import Reading, read_schema
from router.sdl.specs import FEDERATION, LINK, built_in_directives, federation_1, find_spec

FEDERATION_TYPES = ("_Any", "_Entity", "_Service")
FEDERATION_FIELDS = ("_entities", "_service")
RESERVED_NAME = "_"


def build(subgraph: Subgraph, report: Report) -> SubgraphSchema | None:
    """Read a subgraph; what is wrong with it goes to the report, and then nothing is returned."""
    if subgraph.name == RESERVED_NAME:
        report.error("INVALID_SUBGRAPH_NAME", f'"{RESERVED_NAME}" is no name for a subgraph: it is reserved.')
        return None
    reading = _parse(subgraph, report)
    if reading is None:
        return None
    before = len(report.errors)
    schema = reading.schema
    built = SubgraphSchema(subgraph, schema, find_links(schema))
    for problem in built.links.problems:
        report.error(problem.code, f"[{built.name}] {problem.message}", [(built, problem.at)])
    if len(report.errors) == before:
        _define_directives(built)
        check_definitions(built, report)
    for found in reading.problems:
        report.error("INVALID_GRAPHQL", f"[{built.name}] {found.message}", [(built, found.at)])
    _set_roots(schema)
    _drop_federation_machinery(schema, built.links)
    _ensure_query_root(schema)
    return built if len(report.errors) == before else None


def _parse(subgraph: Subgraph, report: Report) -> Reading | None:
    try:
        return read_schema(subgraph.sdl, subgraph.name)
    except GraphQLSyntaxError as error:
        places = tuple(Location(subgraph.name, it.line, it.column) for it in error.locations or ())
        message = f"[{subgraph.name}] {error.message}"
    except RecursionError:
        places, message = (), f"[{subgraph.name}] The schema is nested too deeply."
    report.errors.append(CompositionError("INVALID_GRAPHQL", message, places))
    return None


def _define_directives(built: SubgraphSchema) -> None:
    """Work out the directives that may be applied: built-in, linked, and the subgraph's own."""
    built.definitions |= built_in_directives()
    if not built.is_federation_2:
        types = {"FieldSet": "_FieldSet"}
        for name, definition in federation_1().directives.items():
            built.definitions[name] = renamed_definition(definition, name, types)
    for feature in built.links.features.values():
        spec = find_spec(feature.url.identity, feature.url.version)
        if spec is not None:
            built.definitions |= localized(spec, feature)


def _set_roots(schema: Schema) -> None:
    if schema.roots:
        return
    for operation in OPERATIONS:
        name = operation.capitalize()
        if name in schema.types and schema.types[name].kind is Kind.OBJECT:
            schema.roots[operation] = name


def _ensure_query_root(schema: Schema) -> None:
    """Give a subgraph without queries an empty query root: it answers federation's own queries in any case."""
    name = schema.roots.setdefault("query", "Query")
    schema.types.setdefault(name, TypeDef(name=name, kind=Kind.OBJECT))


def _drop_federation_machinery(schema: Schema, links: Links) -> None:
    """Remove what servers add to their schema for federation's sake: it is no part of the supergraph."""
    for name in FEDERATION_TYPES:
        schema.types.pop(name, None)
    query = schema.types.get(schema.roots.get("query", "Query"))
    if query is not None:
        query.fields = {name: it for name, it in query.fields.items() if name not in FEDERATION_FIELDS}
    machinery = frozenset({FEDERATION, LINK})
    for name in [it for it in schema.types if it == "_FieldSet" or links.is_linked_type(it, machinery)]:
        del schema.types[name]
