"""A field that several subgraphs resolve must be shareable in all of them.

Code: ``INVALID_FIELD_SHARING``.
"""

from __future__ import annotations

from router.composition.merging.context import Merge
from router.composition.merging.interface_objects import stand_in_fields
from router.composition.merging.overrides import Overrides
from router.composition.reporting import listed
from router.sdl.model import Field, TypeDef


def check_sharing(
    merge: Merge, row: dict[int, Field | None], parent: TypeDef, dest: Field, overrides: Overrides
) -> None:
    """Check who resolves a field."""
    resolving = [
        (index, (parent.name, dest.name))
        for index, it in row.items()
        if it is not None and index not in overrides.used and index not in overrides.unused
    ]
    resolving += stand_in_fields(merge, row, parent, dest.name)
    resolving = [(index, it) for index, it in resolving if not merge.subgraphs[index].is_fully_external(*it)]
    exclusive = [(index, it) for index, it in resolving if it not in merge.subgraphs[index].shareable]
    if not exclusive or len(resolving) == 1:
        return
    everywhere = listed([_wording(merge, index, it, parent) for index, it in sorted(resolving)])
    where = listed([_wording(merge, index, it, parent) for index, it in sorted(exclusive)])
    message = (
        f'Field "{parent.name}.{dest.name}" is resolved by several subgraphs ({everywhere}) '
        f"but is not shareable in {'any of them' if len(exclusive) == len(resolving) else where}."
    )
    mistaken = [index for index, _ in exclusive if index in overrides.unknown_source]
    if mistaken:
        message += f' Its @override in "{merge.subgraphs[mistaken[0]].name}" names a subgraph that is not there.'
    sites = [
        (merge.subgraphs[index], merge.subgraphs[index].schema.types[it[0]].fields[it[1]].at) for index, it in resolving
    ]
    merge.report.error("INVALID_FIELD_SHARING", message, sites)


def _wording(merge: Merge, index: int, coordinate: tuple[str, str], parent: TypeDef) -> str:
    through = "" if coordinate[0] == parent.name else f' (through @interfaceObject "{coordinate[0]}")'
    return f'"{merge.subgraphs[index].name}"{through}'


def check_subscription_sharing(merge: Merge, row: dict[int, Field | None], owner: str) -> None:
    """Refuse shareable fields of the subscription root: only one subgraph can hold a stream open."""
    shared = {index: it for index, it in row.items() if it is not None and merge.subgraphs[index].has(it, "shareable")}
    if shared:
        name = next(iter(shared.values())).name
        message = f'Field "{owner}.{name}" of the subscription root cannot be shareable.'
        merge.report.error("INVALID_FIELD_SHARING", message, merge.sites(shared))
