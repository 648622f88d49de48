"""What was refused, as data of a mutation's payload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import strawberry

from kernel.calls import CallError
from kernel.errors import DomainError
from kernel.graphql import ConflictError, ErrorCode, Money, UserError, user_errors
from subgraphs.orders.domain import errors

T = TypeVar("T")


@strawberry.type(description="The total is no longer what was agreed to; the checkout shows the prices of now.")
class PriceChangedError(UserError):
    """The total is no longer what was agreed to."""

    expected: Money
    actual: Money


@strawberry.type(description="The payment provider said no.")
class PaymentDeclinedError(UserError):
    """The payment provider said no."""

    decline_code: str
    retryable: bool = strawberry.field(description="Whether another try may help.")


@strawberry.federation.type(shareable=True, description="There is less of a SKU than is wanted.")
class InsufficientStockError(UserError):
    """There is less of a SKU than is wanted."""

    sku: str
    requested: int
    available: int


TYPES = (PriceChangedError, PaymentDeclinedError, InsufficientStockError)
"""The errors that are printed beside the shared ones."""


async def attempt(use_case: Awaitable[T]) -> tuple[T | None, list[UserError]]:
    """Run a use case; give what it brought, or why it was refused.

    A part of the shop that does not answer is told as such, since the same request may succeed soon.
    """
    try:
        return await use_case, []
    except DomainError as error:
        return None, _shown(error)
    except CallError as error:
        if not error.retryable:
            raise
        message = "A part of the shop does not answer; try again soon."
        return None, [ConflictError(code=ErrorCode.SERVICE_UNAVAILABLE, message=message, path=None)]


def _shown(error: DomainError) -> list[UserError]:
    if isinstance(error, errors.InsufficientStockError):
        return [_shortage(error, short) for short in error.shortages]
    return user_errors(error, special=_SPECIAL)


def _shortage(error: errors.InsufficientStockError, short: errors.Shortage) -> InsufficientStockError:
    return InsufficientStockError(
        code=ErrorCode.INSUFFICIENT_STOCK,
        message=f"Only {short.available} of {short.sku} can be had.",
        path=list(error.path),
        sku=short.sku,
        requested=short.requested,
        available=short.available,
    )


def _price_changed(error: errors.PriceChangedError) -> PriceChangedError:
    return PriceChangedError(
        code=ErrorCode.PRICE_CHANGED,
        message=error.message,
        path=list(error.path),
        expected=Money.of(error.expected),
        actual=Money.of(error.actual),
    )


def _declined(error: errors.PaymentDeclinedError) -> PaymentDeclinedError:
    return PaymentDeclinedError(
        code=ErrorCode.PAYMENT_DECLINED,
        message=error.message,
        path=list(error.path),
        decline_code=error.decline_code,
        retryable=error.retryable,
    )


_SPECIAL: Final[Mapping[type[DomainError], Callable[[Any], UserError]]] = {
    errors.PriceChangedError: _price_changed,
    errors.PaymentDeclinedError: _declined,
}
