"""Merging the definitions of directives for operations: only what all subgraphs understand."""

from __future__ import annotations

from router.composition.merging.arguments import merge_arguments
from router.composition.merging.context import Merge
from router.composition.merging.references import merge_description
from router.composition.reporting import by_wording, subgraphs
from router.sdl.model import DirectiveDef
from router.sdl.specs import built_in_directives


def merge_executable_directives(merge: Merge) -> None:
    """Keep the directives for operations that all subgraphs define."""
    found: dict[str, dict[int, DirectiveDef]] = {}
    for index, subgraph in enumerate(merge.subgraphs):
        for definition in subgraph.schema.directives.values():
            if definition.executable_locations and definition.name not in built_in_directives():
                found.setdefault(definition.name, {})[index] = definition
    for name, sources in found.items():
        if name not in merge.merged.directives:
            _merge_definition(merge, name, sources)


def _merge_definition(merge: Merge, name: str, sources: dict[int, DirectiveDef]) -> None:
    sites = merge.sites(sources)
    lacking = [index for index in range(len(merge.subgraphs)) if index not in sources]
    if lacking:
        message = f'Directive "@{name}" is left out because it is missing in {subgraphs(merge.names(lacking))}.'
        merge.report.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE", message, sites)
        return
    by_subgraph = [it.executable_locations for it in sources.values()]
    common = [it for it in by_subgraph[0] if all(it in other for other in by_subgraph)]
    said = by_wording(merge.named(sources), lambda it: f'"{", ".join(it.executable_locations)}"')
    if not common:
        message = f'Directive "@{name}" is left out because it has no location in all subgraphs: it is on {said}.'
        merge.report.hint("NO_EXECUTABLE_DIRECTIVE_INTERSECTION", message, sites)
        return
    if any(it != common for it in by_subgraph):
        message = f'Directive "@{name}" has different locations, those of all subgraphs are used: it is on {said}.'
        merge.report.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS", message, sites)
    repeatable = {it.repeatable for it in sources.values()}
    if len(repeatable) > 1:
        message = f'Directive "@{name}" is repeatable in only some subgraphs, so it is not in the supergraph.'
        merge.report.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE", message, sites)
    dest = DirectiveDef(name=name, locations=common, repeatable=repeatable == {True})
    merge_description(merge, sources, dest, f"@{name}")
    merge_arguments(merge, dict(sources), dest, f"@{name}")
    merge.merged.directives[name] = dest
