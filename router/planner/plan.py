"""The query plan: what the planner promises and the compiler turns into code.

A plan answers one *variant* of an operation: `@skip` and `@include` were decided before planning, so nothing here is
conditional. It is a directed acyclic graph of fetches; a fetch may start as soon as those it depends on have been
merged.

All fetches of a plan write into one **working tree** of plain dicts and lists whose root is the data of the answer:

- at every object the value of a client field stands under the client's response key, but for `__typename`, which
  stands only under its own name and need not be there where the type is certain;
- where the client's selection depends on the concrete type, the object holds `__typename` with the name of a concrete
  object type of the API schema, never that of an interface;
- other keys (entity keys, required fields, internal aliases) may stand beside them, under names that no client field of
  that object uses; the projection leaves them out;
- what no subgraph delivered is missing, and the projection turns it to null and lets it bubble by the API schema.

Paths and type names below refer to the working tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from router.planner.deferral import NOT_DEFERRED, Deferred

OperationKind: TypeAlias = Literal["query", "mutation", "subscription"]


@dataclass(frozen=True, slots=True)
class FieldStep:
    """Go into the value under a response key."""

    key: str


@dataclass(frozen=True, slots=True)
class ListStep:
    """Go into each item of a list (one list level for each step), or into some; printed as `@`, or `@[2:]`."""

    start: int = 0
    stop: int | None = None

    @property
    def bounds(self) -> str:
        """Which items, as Python writes it; empty for all."""
        return f"[{self.start or ''}:{'' if self.stop is None else self.stop}]" if self != EACH else ""


EACH = ListStep()


@dataclass(frozen=True, slots=True)
class TypeStep:
    """Go on only for objects whose `__typename` is among `types`; printed as `|[A,B]`."""

    types: frozenset[str]


PathStep: TypeAlias = FieldStep | ListStep | TypeStep
Path: TypeAlias = tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class RepresentationField:
    """One field of a representation.

    It is sent as `name` and read from the working tree under `key`; the two differ where an alias kept it apart from
    a client's field. `selections` is empty for a leaf. An object found null is sent as null.
    """

    name: str
    key: str
    selections: tuple[RepresentationSelection, ...] = ()


@dataclass(frozen=True, slots=True)
class RepresentationFragment:
    """Fields sent only for objects whose `__typename` is among `types`."""

    types: frozenset[str]
    selections: tuple[RepresentationSelection, ...]


RepresentationSelection: TypeAlias = RepresentationField | RepresentationFragment


@dataclass(frozen=True, slots=True)
class Representation:
    """How an object becomes a representation.

    It holds for the objects whose `__typename` is among `types`; None stands for every object found, when the type is
    certain and `__typename` need not be in the tree. `typename` is what is sent as `__typename`: the name of an
    interface where the subgraph knows the entity as an interface object; None sends the object's own.
    """

    types: frozenset[str] | None
    typename: str | None
    selections: tuple[RepresentationSelection, ...]


@dataclass(frozen=True, slots=True)
class Rename:
    """Move the value under `old` to `new` in every object found at `path` in the result, before it is merged.

    `path` starts at the root of a root fetch's data, or at the entity of an entity call.
    """

    path: Path
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ContextValue:
    """A value of an enclosing object that goes along as a variable (`@fromContext`).

    The enclosing object is found at the first `depth` steps of the call's path. From there the value is at the first of
    `paths` that leads to one (they differ by type condition); null is sent where none does, but where a value is
    `required`, objects without one are left out like those that lack a field of their representation.
    """

    variable: str
    depth: int
    paths: tuple[Path, ...]
    required: bool = False


@dataclass(frozen=True, slots=True)
class EntityCall:
    """One `_entities` field of a fetch.

    The objects at `path` become representations, equal ones are sent once, in the variable `variable`; each entity
    that comes back under `alias` is merged deeply into every object that its representation stands for. An object
    that lacks a field of its representation altogether (its own fetch failed) is left out and nothing is said of it.

    Calls of one fetch that ask the same of objects at several paths bear the same `alias` and `variable` (and equal
    `renames`): their representations go into one list, in which equal ones are sent once whatever path they came
    from.

    A call with `contexts` is the only one of its fetch. Objects for which these values differ cannot share an
    `_entities` field: there is one for each combination of values, under an alias and with variables of its own.
    """

    alias: str
    variable: str
    path: Path
    representations: tuple[Representation, ...]
    renames: tuple[Rename, ...] = ()
    contexts: tuple[ContextValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request to one subgraph.

    It is a root fetch when `entities` is empty: its data is merged at `path`, which is empty for the root of the
    answer and leads to an object for a root type that is reached again from inside. Otherwise it carries one call or
    several that become ready together. `variables` names the client's variables to send on. `depends_on` holds the
    ids of the fetches that must have been merged before; mutations' root fetches depend on their predecessor.
    `deferred` is empty, or holds the usages of `@defer` and `@stream` that wait for the fetch; what is delivered at
    once depends on none such.
    """

    id: int
    subgraph: str
    kind: OperationKind
    document: str
    operation_name: str | None
    variables: tuple[str, ...]
    depends_on: frozenset[int]
    path: Path = ()
    entities: tuple[EntityCall, ...] = ()
    renames: tuple[Rename, ...] = ()
    deferred: Deferred = NOT_DEFERRED


@dataclass(frozen=True, slots=True)
class DeferredPart:
    """What comes later for the objects at a path: the fields of a group, under the label of its first directive."""

    deferred: Deferred
    label: str | None
    path: Path


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """The plan of one variant of an operation; `fetches` are in topological order and `fetches[i].id == i`.

    Introspection (`__schema`, `__type`, `__typename` at the root) is no part of it: the router answers it. For a
    subscription the first fetch opens the stream and the others run for each event. `parts` are told where `@defer` and
    `@stream` count, those that wait for fewer others first; `streamed` are the numbers of the lists that are streamed.
    """

    kind: OperationKind
    fetches: tuple[Fetch, ...]
    parts: tuple[DeferredPart, ...] = ()
    streamed: frozenset[int] = frozenset()
