"""The schema of stock put together."""

from __future__ import annotations

from kernel.graphql import Schema, build_schema
from subgraphs.inventory.api.mutations import Mutation
from subgraphs.inventory.api.queries import Query
from subgraphs.inventory.api.types import InsufficientStockError, Product, ProductVariant


def make_schema() -> Schema:
    """Make the schema of stock."""
    return build_schema(Query, Mutation, types=[Product, ProductVariant, InsufficientStockError])
