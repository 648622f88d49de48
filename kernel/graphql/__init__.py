"""The GraphQL kit of all subgraphs: whatever is printed in more than one schema is defined here, once."""

from kernel.graphql.caching import INHERITED, CacheControl
from kernel.graphql.connections import Connection, Edge, PageInfo, connection
from kernel.graphql.context import Context
from kernel.graphql.errors import (
    ConflictError,
    ErrorCode,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UserError,
    user_errors,
)
from kernel.graphql.scalars import CurrencyCode, Money, MoneyInput, TaxedMoney
from kernel.graphql.schema import Schema, build_schema

__all__ = [
    "INHERITED",
    "CacheControl",
    "ConflictError",
    "Connection",
    "Context",
    "CurrencyCode",
    "Edge",
    "ErrorCode",
    "ForbiddenError",
    "InvalidInputError",
    "Money",
    "MoneyInput",
    "NotFoundError",
    "PageInfo",
    "Schema",
    "TaxedMoney",
    "UserError",
    "build_schema",
    "connection",
    "user_errors",
]
