"""Code that finds objects together with the values that enclosing objects give them (`@fromContext`).

Each object goes down the path beside a tuple of what was found on the way, the values of the outermost objects first.
"""

from __future__ import annotations

from router.execution.compiler.finding import Finders
from router.execution.compiler.source import Source
from router.planner.plan import ContextValue, EntityCall, FieldStep, ListStep, PathStep


def in_order(call: EntityCall) -> tuple[ContextValue, ...]:
    """Return the context values of a call in the order in which they are met."""
    return tuple(sorted(call.contexts, key=lambda value: value.depth))


def write_context_values(source: Source, finders: Finders, call: EntityCall) -> list[str]:
    """Write the functions that read the values of a call from their objects; return their names."""
    return [_write_value(source, finders, value) for value in in_order(call)]


def _write_value(source: Source, finders: Finders, value: ContextValue) -> str:
    name = source.name("value")
    with source.function(f"{name}(outer)"):
        for path in value.paths:
            last = path[-1]
            if not isinstance(last, FieldStep):
                raise TypeError("a context value is in a field")
            source.add("found = [outer]")
            finders.walk(path[:-1])
            guard = "type(o) is dict and " if finders.careful else ""
            with source.block("for o in found:"), source.block(f"if {guard}{last.key!r} in o:"):
                source.add(f"return o[{last.key!r}]")
        source.add("return None")
    return name


def find_with_values(source: Source, finders: Finders, call: EntityCall, values: list[str]) -> None:
    """Write the lines that put the objects of a call into `found`, each with the values on its way.

    Args:
        source: where to write.
        finders: knows the ways that are shared, and whether the working tree is to be trusted.
        call: whose objects are found.
        values: the functions that read its values.
    """
    contexts = in_order(call)
    outermost = contexts[0].depth
    finders.find(call.path[:outermost])
    source.add("found = [(o, ()) for o in found]")
    for depth in range(outermost, len(call.path) + 1):
        for context, function in zip(contexts, values, strict=True):
            if context.depth == depth:
                condition = " if v is not None" if context.required else ""
                source.add(f"found = [(o, (*c, v)) for o, c in found for v in ({function}(o),){condition}]")
        if depth < len(call.path):
            source.add(f"found = {_step(source, call.path[depth], careful=finders.careful)}")


def _step(source: Source, step: PathStep, *, careful: bool) -> str:
    if isinstance(step, FieldStep):
        read = f"type(o) is dict and (v := o.get({step.key!r}))" if careful else f"(v := o[{step.key!r}])"
        return f"[(v, c) for o, c in found if {read} is not None]"
    if isinstance(step, ListStep):
        guard = " if type(items) is list" if careful else ""
        return f"[(v, c) for items, c in found{guard} for v in items{step.bounds} if v is not None]"
    types = source.constant("TYPES", step.types)
    if careful:
        return (
            f"[(o, c) for o, c in found if type(o) is dict and type(t := o.get('__typename')) is str and t in {types}]"
        )
    return f"[(o, c) for o, c in found if o['__typename'] in {types}]"
