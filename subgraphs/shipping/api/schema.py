"""The schema of shipping put together."""

from __future__ import annotations

import strawberry

from kernel.graphql import Schema, build_schema
from subgraphs.shipping.api.offer_mutations import OfferMutation
from subgraphs.shipping.api.offer_types import OfferQuery
from subgraphs.shipping.api.parcels import ParcelMutation, ParcelQuery
from subgraphs.shipping.api.types import Order


@strawberry.type
class Query(ParcelQuery, OfferQuery):
    """Reads of shipping."""


@strawberry.type
class Mutation(ParcelMutation, OfferMutation):
    """Changes of shipping."""


def make_schema() -> Schema:
    """Make the schema of shipping."""
    return build_schema(Query, Mutation, types=[Order])
