"""Which goods a rule is for, and for whom: predicates as values, which can be stored, shown and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

from kernel.errors import InvalidInputError

MOST_NAMED: Final = 2000
"""Things that one predicate names; more of them are a collection."""

DEEPEST: Final = 5
"""How deep predicates nest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSubject:
    """What rules look at: the variant, its product, and where that stands in the catalogue."""

    product_id: str
    category_path: tuple[str, ...] = ()
    """From the root down to its own category."""
    sku: str = ""
    brand: str = ""
    tags: tuple[str, ...] = ()
    collection_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A predicate on goods: all that is said must hold; of the things that a field names, one is enough."""

    everything: bool = False
    product_ids: frozenset[str] = frozenset()
    category_ids: frozenset[str] = frozenset()
    """These and all below them."""
    collection_ids: frozenset[str] = frozenset()
    skus: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    all_of: tuple[Selection, ...] = ()
    any_of: tuple[Selection, ...] = ()
    none_of: tuple[Selection, ...] = ()

    def includes(self, subject: PriceSubject) -> bool:
        """Tell whether goods are meant."""
        return (
            (not self.product_ids or subject.product_id in self.product_ids)
            and (not self.category_ids or not self.category_ids.isdisjoint(subject.category_path))
            and (not self.collection_ids or not self.collection_ids.isdisjoint(subject.collection_ids))
            and (not self.skus or subject.sku in self.skus)
            and (not self.brands or subject.brand in self.brands)
            and (not self.tags or not self.tags.isdisjoint(subject.tags))
            and all(each.includes(subject) for each in self.all_of)
            and (not self.any_of or any(each.includes(subject) for each in self.any_of))
            and not any(each.includes(subject) for each in self.none_of)
        )

    def parts(self) -> Iterator[Selection]:
        """Give this predicate and all inside it."""
        yield self
        for each in (*self.all_of, *self.any_of, *self.none_of):
            yield from each.parts()

    @property
    def depth(self) -> int:
        """How deep it nests."""
        return 1 + max((each.depth for each in (*self.all_of, *self.any_of, *self.none_of)), default=0)


EVERYTHING: Final = Selection(everything=True)


def any_target(category_ids: frozenset[str], product_ids: frozenset[str]) -> Selection:
    """Mean all of these products and all in or below these categories."""
    if category_ids and product_ids:
        return Selection(any_of=(Selection(category_ids=category_ids), Selection(product_ids=product_ids)))
    return Selection(category_ids=category_ids, product_ids=product_ids)


def check_selection(selection: Selection) -> Selection:
    """Return a predicate that was meant as it is.

    Raises:
        InvalidInputError: a part of it says nothing, names too much or nests too deep.
    """
    if selection.depth > DEEPEST:
        raise InvalidInputError(f"Predicates nest {DEEPEST} deep at most.", path=("where",))
    for part in selection.parts():
        said = [getattr(part, field.name) for field in fields(part)]
        if not any(said):
            raise InvalidInputError("Say which goods are meant, or that all are (`everything`).", path=("where",))
        if part.everything and any(said[1:]):
            raise InvalidInputError("Everything is meant, or what is named: not both.", path=("where",))
        if sum(len(each) for each in said[1:]) > MOST_NAMED:
            raise InvalidInputError(f"A predicate names {MOST_NAMED} things at most.", path=("where",))
    return selection


@dataclass(frozen=True, slots=True)
class Shopper:
    """Who asks for a price, and where."""

    groups: frozenset[str] = frozenset()
    channel: str = ""


EVERYBODY: Final = Shopper()
"""A shopper in no group: what a price that is shown to all is for."""


@dataclass(frozen=True, slots=True)
class Clientele:
    """For whom a rule is: for everybody, or for some groups, or in some channels."""

    groups: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()

    def includes(self, shopper: Shopper) -> bool:
        """Tell whether a shopper is meant."""
        return (not self.groups or not self.groups.isdisjoint(shopper.groups)) and (
            not self.channels or shopper.channel in self.channels
        )

    def meets(self, other: Clientele) -> bool:
        """Tell whether somebody may be meant by both."""
        return _meet(self.groups, other.groups) and _meet(self.channels, other.channels)


ANYBODY: Final = Clientele()


def _meet(one: frozenset[str], other: frozenset[str]) -> bool:
    return not one or not other or not one.isdisjoint(other)
