"""Merging arguments: only those that all subgraphs know, and never those that a context fills.

Codes: ``REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH``, ``CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS``.
"""

from __future__ import annotations

from router.composition.merging.applied import record_applied
from router.composition.merging.context import Merge
from router.composition.merging.references import merge_default, merge_description, merge_type
from router.composition.reporting import subgraphs
from router.sdl.model import DirectiveDef, Field, InputValue

WithArguments = Field | DirectiveDef


def merge_arguments(merge: Merge, sources: dict[int, WithArguments], dest: WithArguments, coordinate: str) -> None:
    """Give ``dest`` the arguments that all of its sources have."""
    names = dict.fromkeys(name for it in sources.values() for name in it.args)
    for name in names:
        args = {index: it.args.get(name) for index, it in sources.items()}
        own = f"{coordinate}({name}:)"
        if _is_contextual(merge, args, own) or not _is_everywhere(merge, args, own):
            continue
        merged = InputValue(name=name)
        dest.args[name] = merged
        merge_description(merge, args, merged, own)
        record_applied(merge, args, merged, own)
        merge_type(merge, args, merged, own)
        merge_default(merge, args, merged, own)


def _is_contextual(merge: Merge, args: dict[int, InputValue | None], coordinate: str) -> bool:
    present = {index: it for index, it in args.items() if it is not None}
    plain = {index: it for index, it in present.items() if not merge.subgraphs[index].has(it, "fromContext")}
    if len(plain) == len(present):
        return False
    code = "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS"
    for index, it in plain.items():
        site = [(merge.subgraphs[index], it.at)]
        where = f'in subgraph "{merge.subgraphs[index].name}"'
        if it.is_required:
            message = f'Argument "{coordinate}" comes from a context in some subgraph but must be given {where}.'
            merge.report.error(code, message, site)
        else:
            message = f'Argument "{coordinate}" is left out: a context fills it in some subgraph, though not {where}.'
            merge.report.hint(code, message, site)
    return True


def _is_everywhere(merge: Merge, args: dict[int, InputValue | None], coordinate: str) -> bool:
    missing = [index for index, it in args.items() if it is None]
    if not missing:
        return True
    present = {index: it for index, it in args.items() if it is not None}
    required = [index for index, it in present.items() if it.is_required]
    lacking = subgraphs(merge.names(missing))
    if required:
        message = (
            f'Argument "{coordinate}" is required in {subgraphs(merge.names(required))} but is missing in {lacking}.'
        )
        merge.report.error("REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH", message, merge.sites(present))
    else:
        message = f'Optional argument "{coordinate}" is left out because it is missing in {lacking}.'
        merge.report.hint("INCONSISTENT_ARGUMENT_PRESENCE", message, merge.sites(present))
    return False
