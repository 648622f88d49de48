"""The whole of composition in the order it happens.

Each stage reports all it finds over all subgraphs, and only a stage without errors is followed by the next: what a
later stage would say about a broken schema would only confuse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from router.composition.api_schema import api_schema
from router.composition.build import build
from router.composition.errors import CompositionError, Hint
from router.composition.inaccessible import check_inaccessible
from router.composition.merged import check_merged
from router.composition.merging import merge_subgraphs
from router.composition.reporting import Report
from router.composition.rules import check_subgraph, check_upgraded
from router.composition.satisfiability import check_satisfiability
from router.composition.subgraph import Subgraph, SubgraphSchema
from router.composition.upgrade import upgrade_all
from router.sdl.model import Schema
from router.sdl.printer import print_schema
from router.sdl.specs import FEDERATION, Version, version_text


@dataclass(frozen=True, slots=True)
class Composed:
    """A supergraph: what a router serves, what clients see of it, and what deserves a look."""

    supergraph_sdl: str
    api_sdl: str
    hints: tuple[Hint, ...] = field(default=())


def compose(
    subgraphs: Iterable[Subgraph], *, satisfiability: bool = True, latest_version: Version | None = None
) -> Composed | list[CompositionError]:
    """Compose subgraphs into a supergraph.

    Args:
        subgraphs: The subgraphs, in any order.
        satisfiability: Whether to prove that every query on the supergraph can be planned.
        latest_version: The latest version of federation that subgraphs may link.

    Returns:
        The supergraph, or all errors of the first stage that found any.
    """
    report = Report()
    ordered = sorted(subgraphs, key=lambda it: it.name)
    merged = _run(ordered, report, latest_version, satisfiability=satisfiability)
    if merged is None or report.errors:
        return report.errors
    return Composed(print_schema(_ordered(merged)), print_schema(_ordered(api_schema(merged))), tuple(report.hints))


def _run(
    subgraphs: list[Subgraph], report: Report, latest_version: Version | None, *, satisfiability: bool
) -> Schema | None:
    if not subgraphs:
        report.error("NO_QUERIES", "There are no subgraphs, so there are no queries.")
    for name, count in Counter(it.name for it in subgraphs).items():
        if count > 1:
            report.error("INVALID_SUBGRAPH_NAME", f'There are {count} subgraphs named "{name}".')
    schemas = _read(subgraphs, report)
    for schema in schemas if latest_version else ():
        _check_version(schema, latest_version or (2, 0), report)
    if report.errors:
        return None
    old = [it for it in schemas if not it.is_federation_2]
    upgrade_all(schemas, report)
    if report.errors:
        return None
    for schema in old:
        check_upgraded(schema, report)
    if report.errors:
        return None
    merge = merge_subgraphs(schemas, report)
    if report.errors:
        return None
    check_merged(merge)
    if report.errors:
        return None
    check_inaccessible(merge)
    if not report.errors and satisfiability:
        check_satisfiability(merge)
    return merge.merged


def _read(subgraphs: list[Subgraph], report: Report) -> list[SubgraphSchema]:
    found: list[SubgraphSchema] = []
    for subgraph in subgraphs:
        schema = build(subgraph, report)
        if schema is not None:
            check_subgraph(schema, report)
            found.append(schema)
    return found


def _check_version(schema: SubgraphSchema, latest: Version, report: Report) -> None:
    if schema.version is not None and schema.version > latest:
        message = f"[{schema.name}] Links federation {version_text(schema.version)}, after {version_text(latest)}."
        at = schema.links.features[FEDERATION].at
        report.error("UNKNOWN_FEDERATION_LINK_VERSION", message, [(schema, at)])


def _ordered(schema: Schema) -> Schema:
    """Put definitions in alphabetical order, so that the same supergraph always has the same text."""
    schema.directives = dict(sorted(schema.directives.items()))
    schema.types = dict(sorted(schema.types.items()))
    return schema
