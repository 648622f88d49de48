"""The fetch graph: requests under construction, and which must wait for which."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

from router.planner.deferral import NOT_DEFERRED, Deferred
from router.planner.plan import (
    ContextValue,
    FieldStep,
    ListStep,
    OperationKind,
    Path,
    RepresentationSelection,
    TypeStep,
)
from router.planner.plan_text import path_text
from router.planner.selection import TYPENAME, Field, Selection
from router.supergraph import ContextArgument


@dataclass(slots=True, eq=False)
class DocumentField:
    """A field of a request; `shape` as in `graph.Edge`, `lists` the depth of lists around its objects."""

    key: str
    name: str
    arguments: str
    variables: frozenset[str]
    shape: str
    lists: int
    selection: Document | None


@dataclass(slots=True, eq=False)
class Document:
    """A selection set of a request: fields by response key, and fragments by type."""

    fields: dict[str, DocumentField] = field(default_factory=dict)
    fragments: dict[str, Document] = field(default_factory=dict)

    def add(self, asked: DocumentField) -> DocumentField:
        """Ask for a field, or find it asked for."""
        return self.fields.setdefault(asked.key, asked)

    def add_typename(self) -> None:
        """Ask for the type's name."""
        self.add(DocumentField(TYPENAME, TYPENAME, "", frozenset(), "!String", 0, None))

    def on(self, type_name: str) -> Document:
        """Return the fragment for a type."""
        return self.fragments.setdefault(type_name, Document())

    def merge(self, other: Document) -> None:
        """Take in everything another selection set asks for."""
        for key, asked in other.fields.items():
            known = self.fields.setdefault(key, asked)
            if known is not asked and known.selection is not None and asked.selection is not None:
                known.selection.merge(asked.selection)
        for type_name, fragment in other.fragments.items():
            self.on(type_name).merge(fragment)

    def lines(self, indent: str) -> Iterator[str]:
        """Yield the selection set as text, one field a line."""
        for asked in self.fields.values():
            alias = "" if asked.key == asked.name else f"{asked.key}: "
            yield f"{indent}{alias}{asked.name}{asked.arguments}"
            if asked.selection is not None:
                yield from asked.selection.lines(indent + "  ")
        for type_name, fragment in self.fragments.items():
            yield f"{indent}... on {type_name}"
            yield from fragment.lines(indent + "  ")


class Keys:
    """The response keys at one place of the answer: those of the client, and internal ones that keep clear of them."""

    __slots__ = ("_children", "_inner", "_selections", "_taken")

    def __init__(self, selections: list[Selection]) -> None:
        self._selections = list({id(selection): selection for selection in selections}.values())
        self._taken: dict[str, set[tuple[str, str]]] = {}
        self._inner: dict[str, list[Selection]] | None = None
        self._children: dict[str, Keys] = {}

    def child(self, key: str) -> Keys:
        """Return the keys below one of these."""
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = Keys(self._read().get(key, []))
        return child

    def internal(self, name: str, arguments: str) -> str:
        """Return the key under which the planner asks for a field; an equal field of the client shares its key."""
        if name == TYPENAME:
            return TYPENAME
        self._read()
        taken = self._taken
        asked = {(name, arguments)}
        if taken.setdefault(name, asked) == asked:
            return name
        for key, meanings in taken.items():
            if meanings == asked:
                return key
        key = next(key for number in range(len(taken) + 1) if (key := f"_{name}_{number}") not in taken)
        taken[key] = asked
        return key

    def _fields(self) -> Iterator[Field]:
        for selection in self._selections:
            yield from selection.fields
            for group in selection.groups:
                yield from group.selection.fields

    def _read(self) -> dict[str, list[Selection]]:
        """Take note of the client's keys, and return what stands below each."""
        if self._inner is None:
            self._inner = {}
            for asked in self._fields():
                self._taken.setdefault(asked.key, set()).add((asked.name, asked.arguments))
                if asked.selection is not None:
                    self._inner.setdefault(asked.key, []).append(asked.selection)
        return self._inner


class Place:
    """A place of the answer: the path to it, told apart by type conditions, and the keys there."""

    __slots__ = ("_fields", "_types", "keys", "path")

    def __init__(self, path: Path, keys: Keys) -> None:
        self.path = path
        self.keys = keys
        self._fields: dict[str, Place] = {}
        self._types: dict[str, Place] = {}

    def field(self, key: str, lists: int) -> Place:
        """Return the place of the objects under a key."""
        place = self._fields.get(key)
        if place is None:
            path = (*self.path, FieldStep(key), *(ListStep() for _ in range(lists)))
            place = self._fields[key] = Place(path, self.keys.child(key))
        return place

    def on(self, type_name: str) -> Place:
        """Return the place of the objects of one type."""
        place = self._types.get(type_name)
        if place is None:
            path = (*self.path, TypeStep(frozenset({type_name})))
            place = self._types[type_name] = Place(path, self.keys)
        return place


@dataclass(frozen=True, slots=True)
class Input:
    """How objects become representations for a fetch; `types` is None where the place admits only one type."""

    types: frozenset[str] | None
    typename: str
    selections: tuple[RepresentationSelection, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """A variable that an enclosing object fills, with its definition."""

    value: ContextValue
    argument: ContextArgument


@dataclass(slots=True, eq=False)
class FetchStep:
    """A request under construction.

    An entity fetch has `inputs`, a root fetch none. `path` ends before the last type condition, which is part of the
    inputs. `deferred` is the group whose fields it fetches.
    """

    number: int
    subgraph: str
    kind: OperationKind
    path: Path
    document: Document = field(default_factory=Document)
    inputs: list[Input] = field(default_factory=list)
    contexts: tuple[Context, ...] = ()
    deferred: Deferred = NOT_DEFERRED
    waits_for: set[FetchStep] = field(default_factory=set)

    @property
    def is_entity(self) -> bool:
        """Whether it asks for entities."""
        return bool(self.inputs)


@dataclass(frozen=True, slots=True)
class FetchGraph:
    """All requests of an operation, and where the groups of deferred fields begin."""

    steps: tuple[FetchStep, ...]
    parts: Mapping[Deferred, Path] = field(default_factory=dict)

    def dump(self) -> str:
        """Write the requests as text."""
        return "\n".join(line for step in self.steps for line in _lines(step))


def free_name(name: str, taken: Container[str]) -> str:
    """Return a name for a variable of the planner that no variable of the client has."""
    while name in taken:
        name = f"_{name}"
    return name


def split_path(path: Path) -> tuple[Path, frozenset[str] | None]:
    """Take a trailing type condition off a path."""
    if path and isinstance(last := path[-1], TypeStep):
        return path[:-1], last.types
    return path, None


def _lines(step: FetchStep) -> Iterator[str]:
    waits = ", ".join(str(other.number) for other in sorted(step.waits_for, key=lambda other: other.number))
    path = path_text(step.path)
    kind = "entities" if step.is_entity else step.kind
    yield f"[{step.number}] {step.subgraph} {kind} at {path or 'root'} after [{waits}]"
    yield from step.document.lines("  ")
