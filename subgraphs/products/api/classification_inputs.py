"""What admins send to change what orders the catalogue: product types, categories, collections, brands.

What is left out of an update stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import strawberry

from kernel.errors import InvalidInputError
from subgraphs.products.api.classification import AttributeKind, ReferenceTarget
from subgraphs.products.api.filters import ProductWhere
from subgraphs.products.domain.attributes import AttributeDefinition
from subgraphs.products.domain.brands import Brand
from subgraphs.products.domain.categories import Category
from subgraphs.products.domain.collections import Collection
from subgraphs.products.domain.slugs import slugify
from subgraphs.products.domain.wording import Seo, Wording


@strawberry.input(description="What search engines of the web are told.")
class SeoInput:
    """What search engines are told."""

    title: str = ""
    description: str = ""

    def to_domain(self) -> Seo:
        """Read it."""
        return Seo(title=self.title, description=self.description)


@strawberry.input(description="The words of one language; what is left out is said in the next best one.")
class TranslationInput:
    """The words of one language."""

    language: str = strawberry.field(description="Such as `de` or `pt-BR`.")
    name: str = ""
    description: str = ""
    seo: SeoInput | None = None

    def to_domain(self) -> Wording:
        """Read them."""
        return Wording(name=self.name, description=self.description, seo=self.seo.to_domain() if self.seo else Seo())


@strawberry.input(description="A text in one language.")
class LabelInput:
    """A text in one language."""

    language: str
    text: str


def read_translations(given: Iterable[TranslationInput]) -> dict[str, Wording]:
    """Read wordings by their language.

    Raises:
        InvalidInputError: a language is named twice.
    """
    each = list(given)
    read = {one.language: one.to_domain() for one in each}
    if len(read) != len(each):
        raise InvalidInputError("A language is named twice.", path=("translations",))
    return read


def read_labels(given: Iterable[LabelInput]) -> dict[str, str]:
    """Read texts by their language."""
    return {each.language: each.text for each in given}


@strawberry.input(description="An attribute of a new product type.")
class AttributeDefinitionInput:
    """An attribute of a new product type."""

    code: str
    label: str
    kind: AttributeKind
    unit: str | None = None
    choices: list[str] = strawberry.field(default_factory=list)
    for_variants: bool = False
    required: bool = False
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    target: ReferenceTarget | None = strawberry.field(default=None, description="What a reference refers to.")
    labels: list[LabelInput] = strawberry.field(default_factory=list)

    def to_domain(self) -> AttributeDefinition:
        """Read the definition."""
        return AttributeDefinition(
            code=self.code,
            label=self.label,
            kind=self.kind,
            unit=self.unit,
            choices=tuple(self.choices),
            for_variants=self.for_variants,
            required=self.required,
            minimum=self.minimum,
            maximum=self.maximum,
            target=self.target,
            labels=read_labels(self.labels),
        )


@strawberry.input(description="A new product type.")
class ProductTypeCreateInput:
    """A new product type."""

    name: str
    slug: str | None = None
    attributes: list[AttributeDefinitionInput] = strawberry.field(default_factory=list)


@strawberry.input(description="A new category; its slug is made of its name where none is given.")
class CategoryCreateInput:
    """A new category."""

    name: str
    slug: str | None = None
    description: str = ""
    parent_id: strawberry.ID | None = None
    position: int = 0


@strawberry.input(description="What changes about a category; what is left out stays.")
class CategoryUpdateInput:
    """What changes about a category."""

    name: str | None = None
    slug: str | None = None
    description: str | None = None
    position: int | None = None
    seo: SeoInput | None = None
    translations: list[TranslationInput] | None = strawberry.field(default=None, description="All that there are.")

    def apply(self, category: Category) -> Category:
        """Change a category."""
        return replace(
            category,
            name=category.name if self.name is None else self.name,
            slug=category.slug if self.slug is None else self.slug,
            description=category.description if self.description is None else self.description,
            position=category.position if self.position is None else self.position,
            seo=category.seo if self.seo is None else self.seo.to_domain(),
            translations=category.translations if self.translations is None else read_translations(self.translations),
        )


@strawberry.input(description="A new collection; its slug is made of its name where none is given.")
class CollectionCreateInput:
    """A new collection."""

    name: str
    slug: str | None = None
    description: str = ""
    seo: SeoInput | None = None
    translations: list[TranslationInput] = strawberry.field(default_factory=list)
    rule: ProductWhere | None = strawberry.field(
        default=None, description="Its products are those that fit, now and later; without, they are put there."
    )

    def to_domain(self) -> Collection:
        """Read the collection."""
        return Collection(
            id="",
            slug=slugify(self.name) if self.slug is None else self.slug,
            name=self.name,
            description=self.description,
            seo=self.seo.to_domain() if self.seo else Seo(),
            translations=read_translations(self.translations),
            rule=None if self.rule is None else self.rule.to_domain(),
        )


@strawberry.input(description="What changes about a collection; what is left out stays.")
class CollectionUpdateInput:
    """What changes about a collection."""

    name: str | None = None
    slug: str | None = None
    description: str | None = None
    seo: SeoInput | None = None
    translations: list[TranslationInput] | None = strawberry.field(default=None, description="All that there are.")
    rule: ProductWhere | None = None

    def apply(self, collection: Collection) -> Collection:
        """Change a collection."""
        translations = self.translations
        return replace(
            collection,
            name=collection.name if self.name is None else self.name,
            slug=collection.slug if self.slug is None else self.slug,
            description=collection.description if self.description is None else self.description,
            seo=collection.seo if self.seo is None else self.seo.to_domain(),
            translations=collection.translations if translations is None else read_translations(translations),
            rule=collection.rule if self.rule is None else self.rule.to_domain(),
        )


@strawberry.input(description="The page of a brand; its slug is made of its name where none is given.")
class BrandCreateInput:
    """The page of a brand."""

    name: str = strawberry.field(description="As products name it.")
    slug: str | None = None
    description: str = ""
    website: str = ""
    translations: list[TranslationInput] = strawberry.field(default_factory=list)

    def to_domain(self) -> Brand:
        """Read the brand."""
        return Brand(
            id="",
            slug=slugify(self.name) if self.slug is None else self.slug,
            name=self.name,
            description=self.description,
            website=self.website,
            translations=read_translations(self.translations),
        )


@strawberry.input(description="What changes about a brand's page; what is left out stays.")
class BrandUpdateInput:
    """What changes about a brand's page."""

    slug: str | None = None
    description: str | None = None
    website: str | None = None
    translations: list[TranslationInput] | None = strawberry.field(default=None, description="All that there are.")

    def apply(self, brand: Brand) -> Brand:
        """Change a brand."""
        return replace(
            brand,
            slug=brand.slug if self.slug is None else self.slug,
            description=brand.description if self.description is None else self.description,
            website=brand.website if self.website is None else self.website,
            translations=brand.translations if self.translations is None else read_translations(self.translations),
        )
