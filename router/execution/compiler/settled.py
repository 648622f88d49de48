"""Which objects of the working tree can go into the answer as they are, so that nothing is made of them.

There are two kinds. **Alike** are the objects of a list that one fetch brings with just the keys that the client wants,
in the client's order, and into which nobody merges anything. **Finished** are stubs of entities of which one object
stands for all equal ones: it is made over in place, once, and all places where it occurs hold what the client gets.

Both are told from documents and shapes when a program is compiled. A composite of the shape may be met at several
places of the tree, and then it is of a kind only if it is so at each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from router.execution.compiler.overlap import Overlap, Place
from router.execution.compiler.shape import Composite, Content, Items, Leaf, TypenameField, ValueField
from router.planner.plan import Path


@dataclass(slots=True)
class Settled:
    """What is settled, by the identities of the shape's composites.

    Attributes:
        finished: for each composite of finished objects, the functions that find them.
        alike: the composites of the other kind.
    """

    finished: dict[int, list[str]] = field(default_factory=dict)
    alike: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, shape: Composite, overlap: Overlap, unified: Mapping[Path, str]) -> Settled:
        """Look at a shape.

        Args:
            shape: what the client asked for.
            overlap: who writes what.
            unified: the paths at whose ends one object stands for all equal ones, and what finds these.
        """
        met = _Meetings()
        met.follow(shape, overlap.root)
        finders: dict[int, list[str]] = {}
        for path, name in unified.items():
            finders.setdefault(id(overlap.place(path)), []).append(name)
        settled = cls()
        for composite, places in met.places():
            if all(id(place) in finders and met.alone(place) for place in places) and _flat(composite):
                settled.finished[id(composite)] = [name for place in places for name in finders[id(place)]]
        for composite, places in met.places():
            if all(_brought_whole(composite, place) for place in places) and settled._passes(composite):
                settled.alike.add(id(composite))
        return settled

    def _passes(self, composite: Composite) -> bool:
        """Tell whether everything in an object can be left as it is."""
        contents = [each.position.content for each in _values(composite)]
        return not composite.abstract and all(_plain(each) or id(each) in self.finished for each in contents)


@dataclass(slots=True)
class _Meetings:
    """Which composites are met at which places."""

    seen: dict[tuple[int, int], tuple[Composite, Place]] = field(default_factory=dict)

    def follow(self, composite: Composite, place: Place) -> None:
        pending = [(composite, place)]
        while pending:
            composite, place = pending.pop()
            if (id(composite), id(place)) in self.seen:
                continue
            self.seen[id(composite), id(place)] = composite, place
            for each in _values(composite):
                content, inner = each.position.content, place.below.get(each.key)
                while isinstance(content, Items):
                    content = content.item.content
                if isinstance(content, Composite):
                    pending.append((content, inner or Place()))

    def places(self) -> Iterator[tuple[Composite, list[Place]]]:
        found: dict[int, tuple[Composite, list[Place]]] = {}
        for composite, place in self.seen.values():
            found.setdefault(id(composite), (composite, []))[1].append(place)
        yield from found.values()

    def alone(self, place: Place) -> bool:
        """Tell whether only one composite is met at a place."""
        return sum(other is place for _, other in self.seen.values()) == 1


def _values(composite: Composite) -> list[ValueField]:
    return [each for variant in composite.variants for each in variant.fields if isinstance(each, ValueField)]


def _plain(content: Content) -> bool:
    return isinstance(content, Leaf) and content.values is None


def _flat(composite: Composite) -> bool:
    """Tell whether an object holds nothing but leaves, and is of a type that is certain."""
    return not composite.abstract and all(isinstance(each.position.content, Leaf) for each in _values(composite))


def _brought_whole(composite: Composite, place: Place) -> bool:
    """Tell whether the objects at a place come with just the keys of a composite, and get no others."""
    if len(place.writers) != 1 or place.visitors or not place.uniform or composite.abstract:
        return False
    fields = composite.variants[0].fields
    return place.keys == tuple(each.key for each in fields) and not any(isinstance(f, TypenameField) for f in fields)
