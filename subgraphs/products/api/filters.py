"""What lists of products can be narrowed and ordered by."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Final

import strawberry

from kernel.errors import InvalidInputError
from kernel.graphql import CurrencyCode
from kernel.money import Money
from subgraphs.products.api.types import DEFAULT_CURRENCY
from subgraphs.products.domain.search import AttributeFilter, PriceRange, ProductFilter, ProductOrder, Sort

strawberry.enum(Sort, name="ProductOrderField", description="By what a list of products is ordered.")

MAX_DEPTH: Final = 4
MAX_BRANCHES: Final = 20
MAX_IDS: Final = 100


@strawberry.enum(description="Which end of a list of products comes first.")
class ProductOrderDirection(Enum):
    """Which end of a list of products comes first."""

    ASC = "asc"
    DESC = "desc"


@strawberry.input(description="The order of a list of products.")
class ProductOrderBy:
    """The order of a list of products."""

    field: Sort = Sort.NAME
    direction: ProductOrderDirection = ProductOrderDirection.ASC
    currency: CurrencyCode = strawberry.field(default=DEFAULT_CURRENCY, description="Whose prices PRICE compares.")

    def to_domain(self) -> ProductOrder:
        """Read the order."""
        return ProductOrder(
            by=self.field, descending=self.direction is ProductOrderDirection.DESC, currency=self.currency
        )


@strawberry.input(description="Some variant's list price lies from `min` to `max`, both inside.")
class PriceRangeInput:
    """Some variant's list price lies between two amounts."""

    currency: CurrencyCode
    min: Decimal | None = None
    max: Decimal | None = None

    def to_domain(self) -> PriceRange:
        """Read the range."""
        return PriceRange(
            currency=self.currency,
            lowest=None if self.min is None else Money.parse(self.min, self.currency),
            highest=None if self.max is None else Money.parse(self.max, self.currency),
        )


@strawberry.input(description="The product or a variant of it has one of these values, or a number within bounds.")
class AttributeWhere:
    """A condition on one attribute."""

    code: str
    values: list[str] | None = None
    min: Decimal | None = None
    max: Decimal | None = None

    def to_domain(self) -> AttributeFilter:
        """Read the condition.

        Raises:
            InvalidInputError: it names too many values.
        """
        if self.values is not None and len(self.values) > MAX_IDS:
            raise InvalidInputError(f"At most {MAX_IDS} values can be named.", path=("where", "attributes"))
        return AttributeFilter(code=self.code, values=tuple(self.values or ()), lowest=self.min, highest=self.max)


@strawberry.input(description="Conditions that all hold, and `OR`, `AND` and `NOT` of more of them.")
class ProductWhere:
    """Conditions on products that all hold."""

    ids: list[strawberry.ID] | None = None
    category_id: strawberry.ID | None = strawberry.field(default=None, description="In this category or below it.")
    category: str | None = strawberry.field(default=None, description="In the category of this slug or below it.")
    collection: str | None = strawberry.field(default=None, description="In the collection of this slug.")
    product_type: str | None = strawberry.field(default=None, description="Of the product type of this slug.")
    brand: str | None = None
    tag: str | None = None
    published: bool | None = strawberry.field(default=None, description="For those who may see drafts.")
    price: PriceRangeInput | None = None
    attributes: list[AttributeWhere] | None = None
    and_: list[ProductWhere] | None = strawberry.field(default=None, name="AND")
    or_: list[ProductWhere] | None = strawberry.field(default=None, name="OR")
    not_: list[ProductWhere] | None = strawberry.field(default=None, name="NOT")

    def to_domain(self, depth: int = 1) -> ProductFilter:
        """Read the conditions.

        Raises:
            InvalidInputError: they nest too deep or are too many.
        """
        if depth > MAX_DEPTH:
            raise InvalidInputError(f"Conditions nest {MAX_DEPTH} deep at most.", path=("where",))
        if self.ids is not None and len(self.ids) > MAX_IDS:
            raise InvalidInputError(f"At most {MAX_IDS} ids can be named.", path=("where", "ids"))
        if self.attributes is not None and len(self.attributes) > MAX_BRANCHES:
            raise InvalidInputError(f"At most {MAX_BRANCHES} attributes can be named.", path=("where", "attributes"))
        return ProductFilter(
            ids=None if self.ids is None else frozenset(self.ids),
            category_id=self.category_id,
            category_slug=self.category,
            collection_slug=self.collection,
            product_type=self.product_type,
            brand=self.brand,
            tag=self.tag,
            published=self.published,
            price=None if self.price is None else self.price.to_domain(),
            attributes=tuple(each.to_domain() for each in self.attributes or ()),
            all_of=_branches(self.and_, depth),
            any_of=_branches(self.or_, depth),
            none_of=_branches(self.not_, depth),
        )


def _branches(branches: Sequence[ProductWhere] | None, depth: int) -> tuple[ProductFilter, ...]:
    if branches and len(branches) > MAX_BRANCHES:
        raise InvalidInputError(f"At most {MAX_BRANCHES} conditions can stand side by side.", path=("where",))
    return tuple(each.to_domain(depth + 1) for each in branches or ())
