"""The schema of the catalogue put together."""

from __future__ import annotations

from kernel.graphql import Schema, build_schema
from subgraphs.products.api.mutations import Mutation
from subgraphs.products.api.queries import Query


def make_schema() -> Schema:
    """Make the schema of the catalogue."""
    return build_schema(Query, Mutation)
