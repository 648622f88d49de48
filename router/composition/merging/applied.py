"""Merging the directives that are applied to elements.

Repeatable ones are united; of others the subgraphs should agree, or the arguments are merged by a strategy, or the most
common application wins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from router.composition.merging.context import Merge, join
from router.composition.merging.strategies import STRATEGIES
from router.composition.reporting import by_wording
from router.sdl.model import Directive, DirectiveDef, Element
from router.sdl.values import UNSET, Value, canonical, print_value


def record_applied(
    merge: Merge,
    sources: Mapping[int, Element | None],
    dest: Element,
    coordinate: str,
    extra: Mapping[str, list[Element]] | None = None,
) -> None:
    """Give ``dest`` the merged directives of its sources; ``extra`` adds more sources for some of them, by name."""
    names: dict[str, None] = dict.fromkeys(extra or ())
    for index, source in sources.items():
        for directive in source.directives if source is not None else ():
            if merge.directives.are_merged(index, directive.name):
                names[directive.name] = None
    for name in names:
        applied = {
            index: [_transformed(merge, index, it) for it in source.applied(name)]
            for index, source in sources.items()
            if source is not None and source.has(name)
        }
        for number, source in enumerate((extra or {}).get(name, ())):
            applied[-1 - number] = source.applied(name)
        _merge_applications(merge, name, applied, dest, coordinate)
    _add_join_directives(merge, sources, dest)


def _transformed(merge: Merge, index: int, directive: Directive) -> Directive:
    if directive.name != merge.directives.local_names.get("context"):
        return directive
    return Directive(directive.name, {"name": f"{merge.subgraphs[index].name}__{directive.args.get('name')}"})


def _merge_applications(
    merge: Merge, name: str, applied: Mapping[int, list[Directive]], dest: Element, coordinate: str
) -> None:
    definition = merge.directives.definition(name)
    distinct: dict[str, Directive] = {}
    counts: Counter[str] = Counter()
    for directives in applied.values():
        for it in directives:
            key = canonical(_with_defaults(it, definition))
            distinct.setdefault(key, Directive(name, it.args))
            counts[key] += 1
    if (definition and definition.repeatable) or len(distinct) == 1:
        dest.directives += distinct.values()
        return
    strategies = STRATEGIES.get(merge.directives.federation_name(name) or "")
    if strategies:
        values = [_with_defaults(it, definition) for it in distinct.values()]
        args = {arg: strategy([it.get(arg) for it in values]) for arg, strategy in strategies.items()}
        dest.directives.append(Directive(name, {arg: value for arg, value in args.items() if value is not None}))
        message = f'The different arguments of @{name} on "{coordinate}" are merged.'
        merge.report.hint("MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS", message)
        return
    chosen = distinct[counts.most_common(1)[0][0]]
    dest.directives.append(chosen)
    said = by_wording(
        {merge.subgraphs[index].name: it for index, it in applied.items() if index >= 0}, lambda its: str(its[0])
    )
    message = f'@{name} is applied to "{coordinate}" with different arguments, {chosen} is used: it is {said}.'
    sites = [(merge.subgraphs[index], its[0].at) for index, its in applied.items() if index >= 0]
    merge.report.hint("INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS", message, sites)


def _with_defaults(directive: Directive, definition: DirectiveDef | None) -> dict[str, Value]:
    defaults = (
        {arg.name: arg.default for arg in definition.args.values() if arg.default is not UNSET} if definition else {}
    )
    return defaults | directive.args


def _add_join_directives(merge: Merge, sources: Mapping[int, Element | None], dest: Element) -> None:
    """Carry ``@cacheTag``, which has no directive of its own in the supergraph, by ``@join__directive``."""
    local = merge.directives.local_names.get("cacheTag")
    if local is None:
        return
    graphs: dict[str, list[Value]] = {}
    args: dict[str, Value] = {}
    for index, source in sources.items():
        for it in source.applied(local) if source is not None else ():
            key = print_value(it.args)
            graphs.setdefault(key, []).append(merge.graphs[index])
            args[key] = it.args
    for key, names in graphs.items():
        dest.directives.append(join("directive", graphs=names, name="federation__cacheTag", args=args[key]))
