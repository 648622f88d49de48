"""Subgraphs that share a field must be able to return the same objects for it.

Code: ``SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES``; hint: ``INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from router.composition.merging import Merge
from router.composition.reporting import by_wording, listed
from router.composition.satisfiability.moves import Position
from router.sdl.model import Kind, Schema


def check_runtime_types(
    merge: Merge,
    api: Schema,
    coordinate: str,
    target: str,
    *,
    positions: Iterable[Position],
    witness: Callable[[], str],
) -> bool:
    """Compare what subgraphs can return for an abstract field; tells whether they have a type in common."""
    owner, _, name = coordinate.partition(".")
    positions = list(positions)
    if len(positions) < 2 or not _is_shared(merge, owner, name):
        return True
    wanted = set(api.possible_types(target))
    by_subgraph: dict[str, list[str]] = {}
    for it in positions:
        schema = merge.subgraphs[it.graph].schema
        if schema.types[it.type].kind is Kind.OBJECT and it.type not in wanted:
            continue
        by_subgraph[merge.subgraphs[it.graph].name] = sorted(schema.possible_types(it.type))
    abstract = [it for it in positions if merge.subgraphs[it.graph].schema.types[it.type].kind is not Kind.OBJECT]
    if len(abstract) < 2 or not any(by_subgraph.values()):
        return True
    common = wanted.intersection(*by_subgraph.values())
    if len({tuple(it) for it in by_subgraph.values()}) == 1 and common:
        return True
    said = by_wording(by_subgraph, lambda types: listed([f'"{it}"' for it in types]) or "nothing")
    fields = {index: it.fields.get(name) for index, it in merge.types.get(owner, {}).items()}
    message = f'Subgraphs that share "{coordinate}" return different types: {said}.\nIt is asked by:\n{witness()}'
    if common:
        only = listed([f'"{it}"' for it in sorted(common)])
        message += f"\nThey may only return {only}."
        merge.report.hint("INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN", message, merge.sites(fields))
    else:
        merge.report.error("SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES", message, merge.sites(fields))
    return bool(common)


def _is_shared(merge: Merge, owner: str, name: str) -> bool:
    type_def = merge.merged.types[owner]
    field = type_def.fields.get(name)
    joins = field.applied("join__field") if field else []
    if joins:
        resolving = [it for it in joins if not it.args.get("external") and not it.args.get("usedOverridden")]
        return len(resolving) > 1
    return len(type_def.applied("join__type")) > 1
