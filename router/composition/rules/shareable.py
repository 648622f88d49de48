"""``@shareable`` is on object types and their fields, once on each declaration.

Code: ``INVALID_SHAREABLE_USAGE``.
"""

from __future__ import annotations

from collections import Counter

from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import Element, Kind


def check_shareable(subgraph: SubgraphSchema, report: Report) -> None:
    """Check all uses of ``@shareable``."""
    for type_def in subgraph.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
        if type_def.kind is Kind.OBJECT:
            _check_repetition(subgraph, report, type_def, type_def.name)
        for field in type_def.fields.values():
            if type_def.kind is Kind.OBJECT:
                _check_repetition(subgraph, report, field, f"{type_def.name}.{field.name}")
            elif subgraph.has(field, "shareable"):
                message = f'[{subgraph.name}] "{type_def.name}.{field.name}" of an interface cannot be @shareable.'
                report.error("INVALID_SHAREABLE_USAGE", message, [(subgraph, field.at)])


def _check_repetition(subgraph: SubgraphSchema, report: Report, element: Element, coordinate: str) -> None:
    applied = subgraph.applied(element, "shareable")
    if any(count > 1 for count in Counter(it.extension for it in applied).values()):
        message = f'[{subgraph.name}] "{coordinate}" has @shareable more than once on one declaration.'
        report.error("INVALID_SHAREABLE_USAGE", message, [(subgraph, it.at) for it in applied])
