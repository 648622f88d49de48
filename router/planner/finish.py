"""Pass 7: the fetch graph becomes the plan.

Entity requests to one subgraph that are equally deep in the graph become ready at about the same time, so they travel
as one. Those of them that ask the same of objects at several paths share one list of representations; the others have
their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from router.planner.documents import drop_repeated, keep_apart, variables_of, write_document
from router.planner.fetches import FetchGraph, FetchStep, free_name
from router.planner.normalise import Operation
from router.planner.optimise import depths_of
from router.planner.plan import DeferredPart, EntityCall, Fetch, OperationKind, Path, QueryPlan, Rename, Representation
from router.planner.streaming import Streams, streams_of

_ENTITIES = "_entities"
_REPRESENTATIONS = "representations"


def make_plan(graph: FetchGraph, operation: Operation) -> QueryPlan:
    """Write the plan."""
    streams = streams_of(operation)
    ids: dict[FetchStep, int] = {}
    fetches = []
    for number, steps in enumerate(_batches(graph, streams)):
        ids.update(dict.fromkeys(steps, number))
        depends_on = frozenset(ids[other] for step in steps for other in step.waits_for)
        fetches.append(_Writing(operation, number, steps, depends_on).fetch())
    return streams.divided(QueryPlan(operation.kind, tuple(fetches), tuple(_parts(graph, operation))))


def _parts(graph: FetchGraph, operation: Operation) -> Iterator[DeferredPart]:
    labels = operation.deferrals.labels()
    for group, path in sorted(
        graph.parts.items(), key=lambda part: sorted(part[0], key=lambda usage: (len(usage), usage))
    ):
        yield DeferredPart(group, labels[min(group)[-1]], path)


def _batches(graph: FetchGraph, streams: Streams) -> Iterator[list[FetchStep]]:
    """Yield the requests that travel together, in an order in which each comes after what it waits for."""
    levels: defaultdict[int, defaultdict[object, list[FetchStep]]] = defaultdict(lambda: defaultdict(list))
    for step, depth in depths_of(graph.steps).items():
        levels[depth][_batch_key(step, streams)].append(step)
    for depth in sorted(levels):
        yield from levels[depth].values()


def _batch_key(step: FetchStep, streams: Streams) -> object:
    if not step.is_entity or step.contexts:
        return step
    return step.subgraph, step.deferred, streams.passed(step.path)


@dataclass(frozen=True, slots=True)
class _Writing:
    """One fetch of the plan while it is written."""

    operation: Operation
    number: int
    steps: Sequence[FetchStep]
    depends_on: frozenset[int]

    def fetch(self) -> Fetch:
        first = self.steps[0]
        for step in self.steps:
            drop_repeated(step.document)
        return self._entity_fetch() if first.is_entity else self._root_fetch(first)

    def _root_fetch(self, step: FetchStep) -> Fetch:
        renames = tuple(keep_apart([step.document]))
        return self._fetch(step.kind, [], write_document(step.document), path=step.path, renames=renames)

    def _entity_fetch(self) -> Fetch:
        renames = [tuple(keep_apart([step.document])) for step in self.steps]
        documents = [write_document(step.document) for step in self.steps]
        distinct = list(dict.fromkeys(documents))
        names = [self._names(number, len(distinct)) for number in range(len(distinct))]
        calls = []
        for step, document, moved in zip(self.steps, documents, renames, strict=True):
            alias, variable = names[distinct.index(document)]
            values = tuple(context.value for context in step.contexts)
            calls.append(EntityCall(alias, variable, step.path, _representations(step), moved, values))
        fields = (
            f"{'' if alias == _ENTITIES else f'{alias}:'}{_ENTITIES}(representations:${variable}){document}"
            for (alias, variable), document in zip(names, distinct, strict=True)
        )
        definitions = [f"${variable}:[_Any!]!" for _alias, variable in names]
        contexts = (context for step in self.steps for context in step.contexts)
        definitions += [f"${context.value.variable}:{context.argument.type}" for context in contexts]
        return self._fetch("query", definitions, f"{{{' '.join(fields)}}}", entities=tuple(calls))

    def _names(self, number: int, count: int) -> tuple[str, str]:
        if count == 1:
            return _ENTITIES, free_name(_REPRESENTATIONS, self.operation.variables)
        return f"_e{number}", free_name(f"{_REPRESENTATIONS}{number}", self.operation.variables)

    def _fetch(
        self,
        kind: OperationKind,
        definitions: list[str],
        selection: str,
        *,
        path: Path = (),
        entities: tuple[EntityCall, ...] = (),
        renames: tuple[Rename, ...] = (),
    ) -> Fetch:
        used = frozenset().union(*(variables_of(step.document) for step in self.steps))
        names = tuple(name for name in self.operation.variables if name in used)
        definitions = definitions + [self.operation.variables[name] for name in names]
        head = f"{kind}({','.join(definitions)})" if definitions else ("" if kind == "query" else kind)
        return Fetch(
            id=self.number,
            subgraph=self.steps[0].subgraph,
            kind=kind,
            document=head + selection,
            operation_name=None,
            variables=names,
            depends_on=self.depends_on,
            path=path,
            entities=entities,
            renames=renames,
            deferred=self.steps[0].deferred,
        )


def _representations(step: FetchStep) -> tuple[Representation, ...]:
    """Return what is sent for the objects of a request; types that are sent alike are named together."""
    found: dict[object, Representation] = {}
    for entry in step.inputs:
        key = (entry.typename, entry.selections)
        known = found.get(key)
        types = entry.types
        if known is not None:
            types = None if types is None or known.types is None else types | known.types
        found[key] = Representation(types, entry.typename, entry.selections)
    return tuple(found.values())
