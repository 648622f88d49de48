"""The plan as text for people: every fetch with what it waits for, what it sends and what it asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphql import parse, print_ast

from router.planner.plan import (
    EntityCall,
    Fetch,
    FieldStep,
    ListStep,
    Path,
    QueryPlan,
    Rename,
    RepresentationField,
    RepresentationSelection,
)


def plan_text(plan: QueryPlan) -> str:
    """Write the plan."""
    return "\n".join([plan.kind, *(line for fetch in plan.fetches for line in _fetch_lines(fetch))])


def path_text(path: Path) -> str:
    """Write a path: `users.@|[Admin].name`."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, FieldStep):
            parts.append(step.key)
        elif isinstance(step, ListStep):
            parts.append(f"@{step.bounds}")
        else:
            condition = f"|[{','.join(sorted(step.types))}]"
            parts.append(parts.pop() + condition if parts else condition)
    return ".".join(parts)


def _fetch_lines(fetch: Fetch) -> Iterator[str]:
    waits = ", ".join(map(str, sorted(fetch.depends_on)))
    head = f"[{fetch.id}] {fetch.subgraph}" + (f" after {waits}" if waits else "")
    later = " deferred" if fetch.deferred else ""
    yield head + later + (f" at {path_text(fetch.path)}" if fetch.path else "")
    for call in fetch.entities:
        yield from _call_lines(call)
    for rename in fetch.renames:
        yield _rename_line(rename)
    for line in print_ast(parse(fetch.document, no_location=True)).splitlines():
        yield f"  {line}"


def _call_lines(call: EntityCall) -> Iterator[str]:
    for representation in call.representations:
        types = "" if representation.types is None else f"|[{','.join(sorted(representation.types))}]"
        sent = f"{representation.typename or '(its type)'} {{ {_selections_text(representation.selections)} }}"
        yield f"  {call.alias}: {path_text(call.path)}{types} as {sent}"
    for value in call.contexts:
        sources = " or ".join(path_text((*call.path[: value.depth], *path)) for path in value.paths)
        yield f"  ${value.variable} from {sources}"
    for rename in call.renames:
        yield _rename_line(rename)


def _rename_line(rename: Rename) -> str:
    return f"  rename {path_text(rename.path)}: {rename.old} to {rename.new}"


def _selections_text(selections: Iterable[RepresentationSelection]) -> str:
    return " ".join(map(_selection_text, selections))


def _selection_text(selection: RepresentationSelection) -> str:
    inner = f" {{ {_selections_text(selection.selections)} }}" if selection.selections else ""
    if isinstance(selection, RepresentationField):
        source = "" if selection.key == selection.name else f"={selection.key}"
        return f"{selection.name}{source}{inner}"
    return f"... on {'|'.join(sorted(selection.types))}{inner}"
