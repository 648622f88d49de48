"""Arguments that a context fills, as ``@join__field(contextArguments:)`` lists them."""

from __future__ import annotations

from router.composition.contexts import parse_context
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import Field
from router.sdl.values import Value


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
