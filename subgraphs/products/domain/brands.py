"""Brands: who makes a product, with a page of their own. A product names its brand; the page may come later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from kernel.errors import InvalidInputError
from subgraphs.products.domain.slugs import check_slug
from subgraphs.products.domain.text import clean_html, clean_line
from subgraphs.products.domain.wording import Translations, Wording, check_translations, said_in

_SCHEMES: Final = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """A brand and what is said about it."""

    id: str
    slug: str
    name: str
    description: str = ""
    website: str = ""
    translations: Translations = field(default_factory=dict[str, Wording])

    def said_in(self, language: str | None) -> Wording:
        """Say it in a language, as far as it was translated."""
        return said_in(language, Wording(name=self.name, description=self.description), self.translations)


def check_brand(brand: Brand) -> Brand:
    """Return the brand with clean texts.

    Raises:
        InvalidInputError: something of it cannot be accepted.
    """
    website = clean_line(brand.website, field="website", optional=True)
    if website and (urlsplit(website).scheme not in _SCHEMES or not urlsplit(website).netloc):
        raise InvalidInputError("A website begins with https://.", path=("website",))
    return Brand(
        id=brand.id,
        slug=check_slug(brand.slug),
        name=clean_line(brand.name, field="name"),
        description=clean_html(brand.description),
        website=website,
        translations=check_translations(brand.translations),
    )
