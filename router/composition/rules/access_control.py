"""Access control stands on objects, scalars and enums; interfaces take it over from what implements them.

Code: ``AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE``.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import Kind

_DIRECTIVES = ("authenticated", "requiresScopes", "policy")


def check_access_control(subgraph: SubgraphSchema, report: Report) -> None:
    """Check where access control is applied."""
    for name in _DIRECTIVES:
        for what, at in _on_interfaces(subgraph, name):
            message = f"[{subgraph.name}] @{name} cannot be applied on {what}."
            report.error("AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE", message, [(subgraph, at)])


def _on_interfaces(subgraph: SubgraphSchema, name: str) -> Iterator[tuple[str, int]]:
    for type_def, directive in subgraph.types_applying(name):
        if type_def.kind is Kind.INTERFACE:
            yield f'interface "{type_def.name}"', directive.at
        elif subgraph.is_interface_object(type_def):
            yield f'interface object "{type_def.name}"', directive.at
    for type_def, field, directive in subgraph.fields_applying(name):
        if type_def.kind is Kind.INTERFACE:
            yield f'interface field "{type_def.name}.{field.name}"', directive.at
