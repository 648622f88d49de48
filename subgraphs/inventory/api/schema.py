"""The schema of stock put together."""

from __future__ import annotations

from strawberry.tools import merge_types

from kernel.graphql import Schema, build_schema
from subgraphs.inventory.api.mutations import Mutation
from subgraphs.inventory.api.planning_mutations import PlanningMutation
from subgraphs.inventory.api.planning_queries import PlanningQuery
from subgraphs.inventory.api.queries import Query
from subgraphs.inventory.api.subscriptions import Subscription
from subgraphs.inventory.api.turnover import TurnoverQuery
from subgraphs.inventory.api.types import InsufficientStockError, Product, ProductVariant
from subgraphs.inventory.api.warehouse_mutations import WarehouseMutation


def make_schema() -> Schema:
    """Make the schema of stock."""
    query = merge_types("Query", (Query, PlanningQuery, TurnoverQuery))
    mutation = merge_types("Mutation", (Mutation, WarehouseMutation, PlanningMutation))
    return build_schema(query, mutation, Subscription, types=[Product, ProductVariant, InsufficientStockError])
