"""Collections: products that belong together, because somebody put them there or because they fit a rule."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.errors import InvalidInputError
from subgraphs.products.domain.search import ProductFilter
from subgraphs.products.domain.wording import Worded


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection(Worded):
    """A set of products; those of one with a `rule` are found by it, and nobody puts them there."""

    id: str
    slug: str
    rule: ProductFilter | None = None


def check_rule(rule: ProductFilter) -> ProductFilter:
    """Return a rule that can decide about one product without looking at other collections.

    Raises:
        InvalidInputError: it says nothing, or it names a collection.
    """
    if rule == ProductFilter():
        raise InvalidInputError("A rule needs a condition.", path=("rule",))
    if _names_collection(rule):
        raise InvalidInputError("A rule does not refer to collections.", path=("rule", "collection"))
    return rule


def _names_collection(rule: ProductFilter) -> bool:
    return rule.collection_slug is not None or any(map(_names_collection, (*rule.all_of, *rule.any_of, *rule.none_of)))
