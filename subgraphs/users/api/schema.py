"""The schema as a whole."""

from __future__ import annotations

from kernel.graphql import build_schema
from subgraphs.users.api.mutations import Mutation
from subgraphs.users.api.payloads import RateLimitedError, StepUpRequiredError
from subgraphs.users.api.queries import Query
from subgraphs.users.api.types import User

SCHEMA = build_schema(Query, Mutation, types=(User, RateLimitedError, StepUpRequiredError))
