"""What other subgraphs own and orders only names by its key."""

from __future__ import annotations

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)])
class Product:
    """A product, by its key."""

    id: strawberry.ID


@strawberry.federation.type(keys=[Key(fields=FieldSet("sku"), resolvable=False)])
class ProductVariant:
    """A variant, by its key."""

    sku: str


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)])
class ShippingMethod:
    """A way to send parcels, by its key."""

    id: strawberry.ID
