"""Merging enums by their use: united as output, intersected as input, equal where both.

Enums come last, when all fields and arguments that may use them are merged.
Codes: ``ENUM_VALUE_MISMATCH``, ``EMPTY_MERGED_ENUM_TYPE``.
"""

from __future__ import annotations

from router.composition.merging.applied import record_applied
from router.composition.merging.context import EnumUse, Merge, join
from router.composition.merging.references import merge_description
from router.composition.reporting import subgraphs
from router.sdl.model import Element, TypeDef


def merge_values(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef) -> None:
    """Merge the values of an enum."""
    use = merge.enum_uses.get(dest.name)
    if use is None:
        message = f'Enum "{dest.name}" is not used; it gets all values, as if it were used as output.'
        merge.report.hint("UNUSED_ENUM_TYPE", message, merge.sites(sources))
        use = EnumUse()
    for name in dict.fromkeys(name for it in sources.values() for name in it.values):
        row = {index: it.values.get(name) for index, it in sources.items()}
        value = Element(name=name)
        coordinate = f"{dest.name}.{name}"
        merge_description(merge, row, value, coordinate)
        record_applied(merge, row, value, coordinate)
        value.directives += [
            join("enumValue", graph=merge.graphs[index]) for index, it in row.items() if it is not None
        ]
        if _is_kept(merge, row, value, coordinate, use):
            dest.values[name] = value
    if not dest.values:
        message = f'Enum "{dest.name}" has no value that all subgraphs define, so nothing of it is left.'
        merge.report.error("EMPTY_MERGED_ENUM_TYPE", message, merge.sites(sources))


def _is_kept(merge: Merge, row: dict[int, Element | None], value: Element, coordinate: str, use: EnumUse) -> bool:
    missing = [index for index, it in row.items() if it is None]
    if not missing or (use.inputs and merge.directives.is_applied(value, "inaccessible")):
        return True
    having = [index for index, it in row.items() if it is not None]
    where = f"in {subgraphs(merge.names(having))} but not in {subgraphs(merge.names(missing))}"
    if not use.inputs:
        message = f'Value "{coordinate}" is kept although it is defined {where}.'
        merge.report.hint("INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM", message, merge.sites(row))
        return True
    if not use.outputs:
        message = f'Value "{coordinate}" is left out because it is defined {where}.'
        merge.report.hint("INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM", message, merge.sites(row))
        return False
    message = (
        f'Value "{coordinate}" is defined {where}, and the enum is used as input (for example by '
        f'"{use.inputs[0][0]}") and as output (for example by "{use.outputs[0][0]}").'
    )
    sites = [*merge.sites(row), use.inputs[0][1], use.outputs[0][1]]
    merge.report.error("ENUM_VALUE_MISMATCH", message, sites)
    return True
