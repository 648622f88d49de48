"""What a field requires is asked of other subgraphs, so arguments in it must be known to them.

Code: ``REQUIRES_INVALID_FIELDS``.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.field_targets import selection_of
from router.composition.merging import Merge
from router.composition.reporting import Site, subgraphs
from router.sdl.field_sets import FieldSet, On, Select
from router.sdl.type_refs import named


def check_requires_arguments(merge: Merge) -> None:
    """Check the arguments in all requirements against the supergraph."""
    for subgraph in merge.subgraphs:
        for type_def, field, requires in subgraph.fields_applying("requires"):
            for owner, name, message in _problems(merge, type_def.name, selection_of(requires)):
                text = f'[{subgraph.name}] On "{type_def.name}.{field.name}", for {requires}: {message}'
                sites: list[Site] = [(subgraph, requires.at)]
                for index, it in merge.types[owner].items():
                    if name in it.fields and merge.subgraphs[index] is not subgraph:
                        sites.append((merge.subgraphs[index], it.fields[name].at))
                merge.report.error("REQUIRES_INVALID_FIELDS", text, sites)


def _problems(merge: Merge, parent: str, selection: FieldSet) -> Iterator[tuple[str, str, str]]:
    for it in selection:
        if isinstance(it, On):
            yield from _problems(merge, it.type or parent, it.below)
            continue
        field = merge.merged.field(parent, it.name)
        if field is None:
            continue
        given = {name for name, _ in it.args}
        for name in sorted(given - field.args.keys()):
            yield parent, it.name, _lacking(merge, parent, it, name)
        for arg in field.args.values():
            if arg.is_required and arg.name not in given:
                yield parent, it.name, f'"{parent}.{it.name}" needs its argument "{arg.name}" in other subgraphs.'
        yield from _problems(merge, named(field.type), it.below)


def _lacking(merge: Merge, parent: str, it: Select, arg: str) -> str:
    lacking = [
        index
        for index, source in merge.types[parent].items()
        if it.name in source.fields and arg not in source.fields[it.name].args
    ]
    where = subgraphs(merge.names(lacking)) if lacking else "the supergraph"
    return f'argument "{arg}" of "{parent}.{it.name}" is not defined in {where}.'
