"""Merging what fields and arguments have in common: type references, defaults and descriptions.

Output types widen to what all subgraphs can return, input types narrow to what all accept.
Codes: ``FIELD_TYPE_MISMATCH``, ``FIELD_ARGUMENT_TYPE_MISMATCH``, ``FIELD_ARGUMENT_DEFAULT_MISMATCH``,
``INPUT_FIELD_DEFAULT_MISMATCH``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from router.composition.merging.context import EnumUse, Merge
from router.composition.reporting import by_wording
from router.sdl.model import Element, Field, InputValue, Kind
from router.sdl.type_refs import is_strict_subtype, named
from router.sdl.values import UNSET, Value, canonical, print_value


def merge_description(merge: Merge, sources: Mapping[int, Element | None], dest: Element, coordinate: str) -> None:
    """Take the description that most subgraphs give; an empty one only where there is no other."""
    given = {index: it for index, it in sources.items() if it is not None and it.description is not None}
    if not given:
        return
    texts = {index: it.description or "" for index, it in given.items()}
    counts = Counter(text for text in texts.values() if text) or Counter(texts.values())
    dest.description = counts.most_common(1)[0][0]
    if len(counts) > 1:
        said = by_wording(
            {merge.subgraphs[index].name: text for index, text in texts.items() if text}, lambda text: f'"{text}"'
        )
        message = f'"{coordinate}" has inconsistent descriptions, the first is used: {said}.'
        merge.report.hint("INCONSISTENT_DESCRIPTION", message, merge.sites(given))


def merge_type(
    merge: Merge, sources: Mapping[int, Field | InputValue | None], dest: Field | InputValue, coordinate: str
) -> bool:
    """Merge the type references of a field or argument; tells whether all were equal."""
    takes_input = isinstance(dest, InputValue)
    present = {index: it for index, it in sources.items() if it is not None}
    chosen, is_compatible = _choose(merge, [it.type for it in present.values()], takes_input=takes_input)
    dest.type = chosen
    _record_enum(merge, present, chosen, coordinate, takes_input=takes_input)
    if len({it.type for it in present.values()}) == 1:
        return True
    what = "argument" if coordinate.endswith(")") else "field"
    types = by_wording(merge.named(present), lambda it: f'type "{it.type}"')
    if is_compatible:
        code = f"INCONSISTENT_BUT_COMPATIBLE_{what.upper()}_TYPE"
        message = f'Type of {what} "{coordinate}" differs but is compatible, "{chosen}" is used: it has {types}.'
        merge.report.hint(code, message, merge.sites(present))
    else:
        code = "FIELD_ARGUMENT_TYPE_MISMATCH" if what == "argument" else "FIELD_TYPE_MISMATCH"
        message = f'Type of {what} "{coordinate}" is incompatible across subgraphs: it has {types}.'
        merge.report.error(code, message, merge.sites(present))
    return False


def _choose(merge: Merge, types: list[str], *, takes_input: bool) -> tuple[str, bool]:
    chosen, is_compatible = types[0], True
    for it in types[1:]:
        if it == chosen:
            continue
        if is_strict_subtype(chosen, it, merge.is_member):
            chosen = it if takes_input else chosen
        elif is_strict_subtype(it, chosen, merge.is_member):
            chosen = chosen if takes_input else it
        else:
            is_compatible = False
    return chosen, is_compatible


def _record_enum(
    merge: Merge, present: Mapping[int, Element], chosen: str, coordinate: str, *, takes_input: bool
) -> None:
    base = merge.merged.types.get(named(chosen))
    if base is not None and base.kind is Kind.ENUM:
        use = merge.enum_uses.setdefault(base.name, EnumUse())
        (use.inputs if takes_input else use.outputs).append((coordinate, merge.sites(present)[0]))


def merge_default(merge: Merge, sources: Mapping[int, InputValue | None], dest: InputValue, coordinate: str) -> None:
    """Keep a default only where all subgraphs have it; two that differ are an error."""
    present = {index: it for index, it in sources.items() if it is not None}
    defaults: dict[str, Value] = {}
    for it in present.values():
        defaults.setdefault(canonical(it.default), it.default)
    if len(defaults) == 1:
        dest.default = next(iter(defaults.values()))
        return
    what = "Argument" if coordinate.endswith(")") else "Input field"
    said = by_wording(
        merge.named(present), lambda it: "no default" if it.default is UNSET else f"default {print_value(it.default)}"
    )
    if len([it for it in defaults.values() if it is not UNSET]) > 1:
        code = "FIELD_ARGUMENT_DEFAULT_MISMATCH" if what == "Argument" else "INPUT_FIELD_DEFAULT_MISMATCH"
        message = f'{what} "{coordinate}" has incompatible defaults across subgraphs: it has {said}.'
        merge.report.error(code, message, merge.sites(present))
    else:
        message = f'{what} "{coordinate}" has a default in only some subgraphs, so none is used: it has {said}.'
        merge.report.hint("INCONSISTENT_DEFAULT_VALUE_PRESENCE", message, merge.sites(present))
