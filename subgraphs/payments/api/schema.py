"""The schema of payments put together."""

from __future__ import annotations

from kernel.graphql import Schema, build_schema
from subgraphs.payments.api.mutations import Mutation
from subgraphs.payments.api.queries import Query
from subgraphs.payments.api.types import Order, RefundTooLargeError


def make_schema() -> Schema:
    """Make the schema of payments."""
    return build_schema(Query, Mutation, types=[Order, RefundTooLargeError])
