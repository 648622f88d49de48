"""What join 0.1 (Federation 1) leaves unsaid of its fields.

There an entity has an owner, which resolves every field that names no graph; other graphs have the fields of their keys
besides what names them. A type without owner is a value type, the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from graphql import FieldDefinitionNode

from router.supergraph.model import FieldInSubgraph, TypeInSubgraph

_NESTED = re.compile(r"\{[^{}]*\}")


def memberships_of_join_01(
    node: FieldDefinitionNode,
    listed: Iterable[FieldInSubgraph],
    owners: Mapping[str, TypeInSubgraph],
    owner: str | None,
) -> dict[str, FieldInSubgraph]:
    """Return the subgraphs that resolve a field, from those listed and from what goes without saying."""
    found = {entry.subgraph: entry for entry in listed}
    if owner is None:
        return found or {name: FieldInSubgraph(name, node.type) for name in owners}
    if not found:
        found[owner] = FieldInSubgraph(owner, node.type)
    for name, type_ in owners.items():
        if name not in found and any(node.name.value in _outer_names(key.fields) for key in type_.keys):
            found[name] = FieldInSubgraph(name, node.type)
    return found


def _outer_names(fields: str) -> set[str]:
    while (outer := _NESTED.sub(" ", fields)) != fields:
        fields = outer
    return set(fields.replace(",", " ").split())
