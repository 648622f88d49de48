"""The schema of orders put together."""

from __future__ import annotations

from kernel.graphql import Schema, build_schema
from subgraphs.orders.api.errors import TYPES
from subgraphs.orders.api.mutations import Mutation
from subgraphs.orders.api.orders import User
from subgraphs.orders.api.queries import Query
from subgraphs.orders.api.subscriptions import Subscription


def make_schema() -> Schema:
    """Make the schema of orders."""
    return build_schema(Query, Mutation, Subscription, types=[User, *TYPES])
