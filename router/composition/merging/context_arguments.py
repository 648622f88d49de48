"""Arguments that a context fills, as ``@join__field(contextArguments:)`` lists them."""

from __future__ import annotations

import re

from router.composition.subgraph import SubgraphSchema
from router.sdl.model import Field
from router.sdl.values import Value

_REFERENCE = re.compile(r"(?:[\s,]|#[^\n\r]*)*\$(?:[\s,]|#[^\n\r]*)*([A-Za-z_]\w*)([\s\S]*)")


def parse_context(text: Value) -> tuple[str, str] | None:
    """Split ``$user { id }`` into the name of the context and the selection in it."""
    match = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    return (match[1], match[2]) if match else None


def context_arguments(subgraph: SubgraphSchema, field: Field) -> list[Value]:
    """Return the arguments of a field that a context fills."""
    found: list[Value] = []
    for arg in field.args.values():
        applied = subgraph.first(arg, "fromContext")
        reference = parse_context(applied.args.get("field")) if applied else None
        if reference:
            context, selection = reference
            found.append(
                {"context": f"{subgraph.name}__{context}", "name": arg.name, "type": arg.type, "selection": selection}
            )
    return found
