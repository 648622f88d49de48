"""Says subgraph by subgraph why a field cannot be resolved at some positions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from router.composition.satisfiability.moves import Moves, Position


def explain(moves: Moves, positions: Iterable[Position], owner: str, name: str) -> str:
    """Return one line for each subgraph that has the type, and why it does not help."""
    reached = {there.graph: there for it in positions for there in moves.reach(it)}
    lines = [
        f'- from subgraph "{moves.graph.name(graph)}": {_why_not_here(moves, it, name)}'
        for graph, it in reached.items()
    ]
    lines += _unreached(moves, set(reached), owner, name)
    return "\n".join(lines)


def _why_not_here(moves: Moves, position: Position, name: str) -> str:
    edge = moves.graph.fields[position.graph].get(position.type, {}).get(name)
    coordinate = f'"{position.type}.{name}"'
    if edge is None:
        return f"it has no field {coordinate}."
    return f"it does not resolve {coordinate}: {moves.obstacle(position, edge, name)}."


def _unreached(moves: Moves, reached: set[int], owner: str, name: str) -> Iterator[str]:
    """Say of each subgraph that could resolve the field why one does not get there."""
    merged = moves.graph.merge.merged.types.get(owner)
    for graph, fields in enumerate(moves.graph.fields):
        types = [owner, *(merged.interfaces if merged else ())]
        having = [it for it in types if name in fields.get(it, {}) and not fields[it][name].is_external]
        if graph in reached or not having:
            continue
        keys = [it.text for it in moves.graph.keys.get(having[0], ()) if it.graph == graph]
        where = f'"{moves.graph.name(graph)}", which has "{having[0]}.{name}"'
        prefix = f"- to subgraph {where}: one cannot move there, because "
        if keys:
            listed = " nor ".join(f'"{key}"' for key in keys)
            yield (
                f"{prefix}its key {listed} cannot be read before."
                if len(keys) == 1
                else f"{prefix}neither key {listed} can be read before."
            )
        else:
            yield f'{prefix}it has no resolvable @key on "{having[0]}".'
