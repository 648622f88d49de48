"""External fields take no part in the merge, but must fit what is merged from the subgraphs that resolve them.

Codes: ``EXTERNAL_TYPE_MISMATCH``, ``EXTERNAL_ARGUMENT_MISSING``, ``EXTERNAL_ARGUMENT_TYPE_MISMATCH``,
``EXTERNAL_ARGUMENT_DEFAULT_MISMATCH``, ``MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL``.
"""

from __future__ import annotations

from collections.abc import Callable

from router.composition.merging.context import Merge
from router.composition.reporting import by_wording, subgraphs
from router.sdl.model import Field, InputValue
from router.sdl.type_refs import is_strict_subtype, is_subtype
from router.sdl.values import UNSET, print_value, same


def without_external(merge: Merge, row: dict[int, Field | None], owner: str) -> dict[int, Field]:
    """Return the sources that resolve the field; directives that would be merged are refused on the others."""
    resolvers: dict[int, Field] = {}
    for index, source in row.items():
        if source is None:
            continue
        subgraph = merge.subgraphs[index]
        if not subgraph.is_external(owner, source.name):
            resolvers[index] = source
            continue
        for directive in source.directives:
            if merge.directives.are_merged(index, directive.name):
                message = f'[{subgraph.name}] Cannot apply {directive} to the external field "{owner}.{source.name}".'
                merge.report.error("MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL", message, [(subgraph, directive.at)])
    return resolvers


def check_external(
    merge: Merge, row: dict[int, Field | None], dest: Field, coordinate: str, *, all_equal: bool
) -> None:
    """Check the external declarations of a field against the merged one."""
    owner = coordinate.partition(".")[0]
    external = [
        it for index, it in row.items() if it is not None and merge.subgraphs[index].is_external(owner, it.name)
    ]
    if not external:
        return

    def fits(it: Field) -> bool:
        return it.type == dest.type or (not all_equal and is_strict_subtype(dest.type, it.type, merge.is_member))

    if not all(map(fits, external)):
        said = by_wording(merge.named(row), lambda it: f'type "{it.type}"')
        message = f'Type of field "{coordinate}" does not fit where it is @external: it has {said}.'
        merge.report.error("EXTERNAL_TYPE_MISMATCH", message, merge.sites(row))
    for arg in dest.args.values():
        _check_argument(merge, row, external, arg, coordinate)


def _check_argument(
    merge: Merge, row: dict[int, Field | None], external: list[Field], arg: InputValue, coordinate: str
) -> None:
    args = {index: it.args.get(arg.name) if it else None for index, it in row.items()}
    declared = [it.args[arg.name] for it in external if arg.name in it.args]
    own = f"{coordinate}({arg.name}:)"
    sites = merge.sites(row)

    def mismatch(what: str, code: str, wording: Callable[[InputValue], str]) -> None:
        message = f'{what} of argument "{own}" does not fit where "{coordinate}" is @external: it has '
        merge.report.error(code, message + by_wording(merge.named(args), wording) + ".", sites)

    if len(declared) < len(external):
        lacking = [index for index, it in row.items() if it in external and arg.name not in it.args]
        where = subgraphs(merge.names(lacking))
        message = f'Field "{coordinate}" is @external in {where} without its argument "{own}".'
        merge.report.error("EXTERNAL_ARGUMENT_MISSING", message, sites)
    if not all(is_subtype(it.type, arg.type, merge.is_member) for it in declared):
        mismatch("Type", "EXTERNAL_ARGUMENT_TYPE_MISMATCH", lambda it: f'type "{it.type}"')
    if not all(same(it.default, arg.default) for it in declared):
        mismatch("Default", "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH", _default_wording)


def _default_wording(it: InputValue) -> str:
    return "no default" if it.default is UNSET else f"default {print_value(it.default)}"
