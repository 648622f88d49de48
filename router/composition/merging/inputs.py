"""Merging input objects: only the fields that all subgraphs know.

Codes: ``REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH``, ``EMPTY_MERGED_INPUT_TYPE``.
"""

from __future__ import annotations

from router.composition.merging.applied import record_applied
from router.composition.merging.context import Merge, join
from router.composition.merging.references import merge_default, merge_description, merge_type
from router.composition.reporting import subgraphs
from router.sdl.model import InputValue, TypeDef


def merge_input_fields(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef) -> None:
    """Merge the fields of an input object."""
    for name in dict.fromkeys(name for it in sources.values() for name in it.inputs):
        row = {index: it.inputs.get(name) for index, it in sources.items()}
        coordinate = f"{dest.name}.{name}"
        field = InputValue(name=name)
        merge_description(merge, row, field, coordinate)
        record_applied(merge, row, field, coordinate)
        all_equal = merge_type(merge, row, field, coordinate)
        merge_default(merge, row, field, coordinate)
        missing = [index for index, it in row.items() if it is None]
        if missing or not all_equal:
            field.directives += [
                join("field", graph=merge.graphs[index], type=None if all_equal else it.type)
                for index, it in row.items()
                if it is not None
            ]
        if not missing or merge.directives.is_applied(field, "inaccessible"):
            dest.inputs[name] = field
        else:
            _leave_out(merge, row, coordinate, missing)
    if not dest.inputs:
        message = f'Input object "{dest.name}" has no field that all subgraphs define, so nothing of it is left.'
        merge.report.error("EMPTY_MERGED_INPUT_TYPE", message, merge.sites(sources))


def _leave_out(merge: Merge, row: dict[int, InputValue | None], coordinate: str, missing: list[int]) -> None:
    required = [index for index, it in row.items() if it is not None and it.is_required]
    lacking = subgraphs(merge.names(missing))
    if required:
        where = subgraphs(merge.names(required))
        message = f'Input field "{coordinate}" is required in {where} but is missing in {lacking}.'
        merge.report.error("REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH", message, merge.sites(row))
    else:
        message = f'Input field "{coordinate}" is left out because it is missing in {lacking}.'
        merge.report.hint("INCONSISTENT_INPUT_OBJECT_FIELD", message, merge.sites(row))
