"""From the paths of a subgraph's errors to the paths of the client.

A subgraph knows its own answer only: the third of the `_entities` it was asked for, or a field under an alias that the
client never chose. Here an error is led back to each place of the client's answer that it concerns. This runs only when
there are errors, so it looks for places instead of remembering them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from router.execution.compiler.batches import Batch, batches_of
from router.execution.compiler.program import Targets, Tree
from router.execution.compiler.shape import Composite, Content, Items, below
from router.execution.exchange import GraphQLErrorDict
from router.planner.plan import Fetch, FieldStep, ListStep, Path, Rename

ClientPath: TypeAlias = tuple[str | int, ...]


@dataclass(slots=True)
class Relocation:
    """Leads the errors of one fetch to the client's answer.

    Args:
        fetch: the fetch.
        targets: for each of its entity calls the objects that its representations stood for.
        root: the working tree, with the result merged.
        shape: what the client asked for.
        limit: how many errors to make of one at most.
    """

    fetch: Fetch
    targets: Mapping[str, Targets]
    root: Tree
    shape: Composite
    limit: int
    _places: dict[str, dict[int, list[ClientPath]]] = field(default_factory=dict)

    def errors(self, errors: Sequence[Any]) -> Iterator[GraphQLErrorDict]:
        """Return what the client is told for the errors of the subgraph."""
        for error in errors:
            known = error if isinstance(error, dict) else {"message": str(error)}
            path = known.get("path")
            places = list(self._clients(path)) if isinstance(path, list) and path else []
            for place in places or [None]:
                yield self._error(known, place)

    def _error(self, error: Mapping[str, Any], place: ClientPath | None) -> GraphQLErrorDict:
        """Make one error; the subgraph's own locations point into a document that the client never saw."""
        given = error.get("extensions")
        extensions = dict(given) if isinstance(given, dict) else {}
        extensions.setdefault("code", "DOWNSTREAM_SERVICE_ERROR")
        extensions["service"] = extensions["serviceName"] = self.fetch.subgraph
        made: GraphQLErrorDict = {"message": str(error.get("message", "Subgraph error"))}
        if place:
            made["path"] = list(place)
        made["extensions"] = extensions
        return made

    def _clients(self, path: list[Any]) -> Iterator[ClientPath]:
        if not self.fetch.entities:
            rest = _renamed(path, self.fetch.renames)
            for place, _ in _find(self.root, self.fetch.path):
                yield visible(self.shape, (*place, *rest))
            return
        targets = self.targets.get(path[0], []) if isinstance(path[0], str) else []
        if len(path) > 1 and _is_index(path[1], targets):
            for batch in self._batches(path[0]):
                rest = _renamed(path[2:], batch.renames)
                places = self._places_of(batch)
                for target in _distinct(targets[path[1]][: self.limit]):
                    for place in places.get(id(target), ())[: self.limit]:
                        yield visible(self.shape, (*place, *rest))

    def _batches(self, alias: str) -> Iterator[Batch]:
        """Yield what the entities under a key were asked by; a fetch with contexts has several keys for one batch."""
        return (batch for batch in batches_of(self.fetch) if batch.alias == alias or batch.calls[0].contexts)

    def _places_of(self, batch: Batch) -> dict[int, list[ClientPath]]:
        if batch.alias not in self._places:
            places: dict[int, list[ClientPath]] = {}
            for call in batch.calls:
                for place, target in _find(self.root, call.path):
                    places.setdefault(id(target), []).append(place)
            self._places[batch.alias] = places
        return self._places[batch.alias]


def visible(shape: Composite, path: ClientPath) -> ClientPath:
    """Cut a path where it leaves what the client asked for."""
    content: Content | None = shape
    seen: list[str | int] = []
    for step in path:
        if isinstance(step, int):
            content = content.item.content if isinstance(content, Items) else None
        else:
            content = below(content, step)
        if content is None:
            break
        seen.append(step)
    return tuple(seen)


def _find(root: Tree, path: Path) -> Iterator[tuple[ClientPath, Any]]:
    """Return the objects at the end of a path, each with where it is."""
    pending: list[tuple[ClientPath, Any, int]] = [((), root, 0)]
    while pending:
        place, value, depth = pending.pop()
        if value is None:
            continue
        if depth == len(path):
            yield place, value
            continue
        step = path[depth]
        if isinstance(step, FieldStep):
            if isinstance(value, dict):
                pending.append(((*place, step.key), value.get(step.key), depth + 1))
        elif isinstance(step, ListStep):
            if isinstance(value, list):
                items = enumerate(value[step.start : step.stop], step.start)
                pending.extend(reversed([((*place, index), item, depth + 1) for index, item in items]))
        elif isinstance(value, dict) and isinstance(name := value.get("__typename"), str) and name in step.types:
            pending.append((place, value, depth + 1))


def _renamed(path: Sequence[Any], renames: tuple[Rename, ...]) -> list[str | int]:
    """Replace the names in a path that the merge replaces in the result."""
    made = [step for step in path if isinstance(step, str | int)]
    for rename in renames:
        keys = [step.key for step in rename.path if isinstance(step, FieldStep)]
        names = [index for index, step in enumerate(made) if isinstance(step, str)]
        if len(names) > len(keys) and [made[at] for at in names[: len(keys)]] == keys:
            at = names[len(keys)]
            if made[at] == rename.old:
                made[at] = rename.new
    return made


def _distinct(targets: list[Tree]) -> list[Tree]:
    """Return each object once; results may have put one object at several places."""
    return list({id(each): each for each in targets}.values())


def _is_index(value: Any, targets: Targets) -> bool:
    return type(value) is int and 0 <= value < len(targets)
