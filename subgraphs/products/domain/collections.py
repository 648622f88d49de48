"""Collections: products that belong together, because somebody put them there or because they fit a rule."""

from __future__ import annotations

from dataclasses import dataclass, field

from kernel.errors import InvalidInputError
from subgraphs.products.domain.search import ProductFilter
from subgraphs.products.domain.wording import NO_SEO, Seo, Translations, Wording, said_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A set of products; those of one with a `rule` are found by it, and nobody puts them there."""

    id: str
    slug: str
    name: str
    description: str
    seo: Seo = NO_SEO
    translations: Translations = field(default_factory=dict[str, Wording])
    rule: ProductFilter | None = None

    def said_in(self, language: str | None) -> Wording:
        """Say it in a language, as far as it was translated."""
        return said_in(language, Wording(name=self.name, description=self.description, seo=self.seo), self.translations)


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
