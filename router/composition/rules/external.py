"""External fields are there to be used, and not on interfaces.

Codes: ``EXTERNAL_UNUSED``, ``EXTERNAL_ON_INTERFACE``.
"""

from __future__ import annotations

from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import Kind


def check_external_use(subgraph: SubgraphSchema, report: Report) -> None:
    """Check all external fields."""
    for type_def in subgraph.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
        for field in type_def.fields.values():
            if not subgraph.is_external(type_def.name, field.name):
                continue
            prefix = f'[{subgraph.name}] Field "{type_def.name}.{field.name}" is @external but '
            sites = [(subgraph, field.at)]
            if type_def.kind is Kind.INTERFACE:
                report.error("EXTERNAL_ON_INTERFACE", f"{prefix}belongs to an interface.", sites)
            if (type_def.name, field.name) not in subgraph.used:
                message = f"{prefix}no @key, @requires or @provides selects it and no interface demands it."
                report.error("EXTERNAL_UNUSED", message, sites)
