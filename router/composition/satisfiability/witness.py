"""Writes down the query that leads to a state."""

from __future__ import annotations

from dataclasses import dataclass

from router.sdl.model import COMPOSITE, Field, Kind, Schema
from router.sdl.type_refs import is_list, is_non_null, named, nullable
from router.sdl.values import EnumName, Value, print_value

_SAMPLES: dict[str, Value] = {"Int": 0, "Float": 0.5, "Boolean": True, "String": "a string", "ID": "an id"}


@dataclass(frozen=True, slots=True)
class Step:
    """A field, a type condition, or the operation at the beginning."""

    name: str
    field: Field | None = None
    is_condition: bool = False
    is_operation: bool = False


def operation_for(api: Schema, steps: tuple[Step, ...]) -> str:
    """Print the operation that takes some steps."""
    lines = [f"{'  ' * depth}{_open(api, step)}" for depth, step in enumerate(steps)]
    last = steps[-1]
    target = api.types.get(named(last.field.type)) if last.field else None
    is_open = last.is_condition or (target is not None and target.kind in COMPOSITE)
    if is_open:
        lines.append("  " * len(steps) + "__typename")
    body = [f"{line} {{" if depth < len(steps) - 1 else line for depth, line in enumerate(lines)]
    if is_open:
        body[len(steps) - 1] += " {"
    closing = ["  " * depth + "}" for depth in reversed(range(len(steps) - (0 if is_open else 1)))]
    return "\n".join([*body, *closing])


def _open(api: Schema, step: Step) -> str:
    if step.is_condition:
        return f"... on {step.name}"
    required = [arg for arg in step.field.args.values() if arg.is_required] if step.field else []
    args = ", ".join(f"{arg.name}: {print_value(_sample(api, arg.type))}" for arg in required)
    return f"{step.name}({args})" if args else step.name


def _sample(api: Schema, ref: str) -> Value:
    """Return some value of a type."""
    if is_list(nullable(ref)):
        return list[Value]()
    name = named(ref)
    found = api.types.get(name)
    if found is not None and found.kind is Kind.ENUM:
        return EnumName(next(iter(found.values)))
    if found is not None and found.kind is Kind.INPUT:
        return {it.name: _sample(api, it.type) for it in found.inputs.values() if it.is_required}
    return _SAMPLES.get(name, "a value") if is_non_null(ref) else None
