"""Errors that a client branches on: data of a mutation's payload, not top-level errors.

`UserError` is an interface that each subgraph prints alike; a subgraph adds concrete types with details of its
own (`InsufficientStockError`) and says which domain error becomes which. Being unknown is never a user error:
an `UnauthenticatedError` goes to the top level, where clients and gateways look for it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, Final

import strawberry

from kernel import errors


@strawberry.enum(description="Why a mutation did not do what was asked; new reasons may be added.")
class ErrorCode(enum.Enum):
    """Every code that a domain error of the shop can carry to a client."""

    ADDRESS_REQUIRED = "ADDRESS_REQUIRED"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    CART_EMPTY = "CART_EMPTY"
    CHECKOUT_EXPIRED = "CHECKOUT_EXPIRED"
    CONFLICT = "CONFLICT"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    DUPLICATE_SKU = "DUPLICATE_SKU"
    DUPLICATE_SLUG = "DUPLICATE_SLUG"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    FORBIDDEN = "FORBIDDEN"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    INSUFFICIENT_STOCK = "INSUFFICIENT_STOCK"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    INVALID_INPUT = "INVALID_INPUT"
    INVALID_STATE = "INVALID_STATE"
    INVALID_TOKEN = "INVALID_TOKEN"  # noqa: S105 # a code, not a token
    NOT_AVAILABLE = "NOT_AVAILABLE"
    NOT_FOUND = "NOT_FOUND"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    PAYMENT_PENDING = "PAYMENT_PENDING"
    PRICE_CHANGED = "PRICE_CHANGED"
    RATE_LIMITED = "RATE_LIMITED"
    REFUND_TOO_LARGE = "REFUND_TOO_LARGE"
    RESERVATION_EXPIRED = "RESERVATION_EXPIRED"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    SHIPPING_METHOD_REQUIRED = "SHIPPING_METHOD_REQUIRED"
    STALE_VERSION = "STALE_VERSION"
    STEP_UP_REQUIRED = "STEP_UP_REQUIRED"
    TOKEN_REUSED = "TOKEN_REUSED"  # noqa: S105 # a code, not a token
    VOUCHER_CURRENCY = "VOUCHER_CURRENCY"
    VOUCHER_EXPIRED = "VOUCHER_EXPIRED"
    VOUCHER_MINIMUM = "VOUCHER_MINIMUM"
    VOUCHER_NOT_STARTED = "VOUCHER_NOT_STARTED"
    VOUCHER_UNKNOWN = "VOUCHER_UNKNOWN"
    VOUCHER_USED_UP = "VOUCHER_USED_UP"
    WEAK_PASSWORD = "WEAK_PASSWORD"  # noqa: S105 # a code, not a password


@strawberry.interface(description="Why a mutation did not do what was asked.")
class UserError:
    """Why a mutation did not do what was asked."""

    code: ErrorCode
    message: str = strawberry.field(description="For people; safe to show.")
    path: list[str] | None = strawberry.field(default=None, description="Which part of the input it is about.")


@strawberry.federation.type(shareable=True, description="What was sent cannot be accepted as it is.")
class InvalidInputError(UserError):
    """What was sent cannot be accepted as it is."""


@strawberry.federation.type(shareable=True, description="What was named does not exist.")
class NotFoundError(UserError):
    """What was named does not exist."""


@strawberry.federation.type(shareable=True, description="The state has moved on since it was read.")
class ConflictError(UserError):
    """The state has moved on since it was read."""


@strawberry.federation.type(shareable=True, description="The caller may not do this.")
class ForbiddenError(UserError):
    """The caller may not do this."""


SHARED_TYPES: Final = (InvalidInputError, NotFoundError, ConflictError, ForbiddenError)
"""The concrete errors that every schema with mutations prints."""

_SHARED: Final[tuple[tuple[type[errors.DomainError], type[UserError]], ...]] = (
    (errors.NotFoundError, NotFoundError),
    (errors.ConflictError, ConflictError),
    (errors.ForbiddenError, ForbiddenError),
    (errors.DomainError, InvalidInputError),
)

Special = Mapping[Any, Callable[[Any], UserError]]
"""How a subgraph's own domain errors, by their class, become its own types; both are as special as it likes."""


def user_errors(*raised: errors.DomainError, special: Special | None = None) -> list[UserError]:
    """Show domain errors in a mutation's payload.

    Args:
        raised: what the use case raised.
        special: makes a typed error from a domain error of the subgraph's own, by its class.

    Raises:
        UnauthenticatedError: passed on, because it belongs to the top level.
    """
    return [_user_error(error, special or {}) for error in raised]


def _user_error(error: errors.DomainError, special: Special) -> UserError:
    if isinstance(error, errors.UnauthenticatedError):
        raise error
    for kind in type(error).__mro__:
        if kind in special:
            return special[kind](error)
    shown = next(shown for domain, shown in _SHARED if isinstance(error, domain))
    return shown(code=ErrorCode(error.code), message=error.message, path=list(error.path) or None)
