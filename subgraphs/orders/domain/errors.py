"""What can be refused on the way from a cart to a delivered order.

DomainError
├── InvalidInputError
│   ├── QuantityError               INVALID_INPUT
│   └── VariantUnavailableError     NOT_AVAILABLE
├── ConflictError
│   ├── CheckoutNotReadyError       ADDRESS_REQUIRED, SHIPPING_METHOD_REQUIRED
│   ├── CartChangedError            STALE_VERSION
│   ├── CartClosedError             INVALID_STATE
│   ├── CurrencyMismatchError       CURRENCY_MISMATCH
│   ├── IdempotencyKeyReusedError   IDEMPOTENCY_KEY_REUSED
│   ├── PriceChangedError           PRICE_CHANGED
│   ├── InsufficientStockError      INSUFFICIENT_STOCK
│   ├── PaymentDeclinedError        PAYMENT_DECLINED
│   ├── OrderNotCancellableError    INVALID_STATE
│   ├── OrderNotReturnableError     INVALID_STATE
│   ├── OrderNotEditableError       INVALID_STATE
│   ├── OrderBusyError              INVALID_STATE
│   ├── NoInvoiceError              INVALID_STATE
│   └── SagaNotResolvableError      INVALID_STATE
InfrastructureError
└── LeaseLostError                  another runner carries the saga on
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.errors import ConflictError, InfrastructureError, InvalidInputError
from kernel.money import Money


class QuantityError(InvalidInputError):
    """A quantity below one, or more than a cart line may hold."""

    default_code = "INVALID_INPUT"


class VariantUnavailableError(InvalidInputError):
    """No such article, or it is not sold in this currency now."""

    default_code = "NOT_AVAILABLE"

    def __init__(self, sku: str) -> None:
        super().__init__(f"{sku[:64]!r} is not for sale.", path=("lines", sku[:64]))
        self.sku = sku


class CheckoutNotReadyError(ConflictError):
    """Something that completion needs has not been said yet; the code tells what."""


class CartChangedError(ConflictError):
    """The cart was changed after the checkout had read it."""

    default_code = "STALE_VERSION"

    def __init__(self) -> None:
        super().__init__("The cart has changed since; create the checkout again to take it over.")


class CartClosedError(ConflictError):
    """The cart is being paid or has become an order."""

    default_code = "INVALID_STATE"

    def __init__(self) -> None:
        super().__init__("This cart has been ordered and cannot change any more.")


class CurrencyMismatchError(ConflictError):
    """Two carts of different currencies cannot become one."""

    default_code = "CURRENCY_MISMATCH"

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"The carts are in {one} and {other}; choose one of them.", path=("strategy",))


class IdempotencyKeyReusedError(ConflictError):
    """The key was used before for something else."""

    default_code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__("This idempotency key was used for another request.", path=("idempotencyKey",))


class PriceChangedError(ConflictError):
    """The total is no longer what the buyer has agreed to."""

    default_code = "PRICE_CHANGED"

    def __init__(self, expected: Money, actual: Money, field: str = "expectedTotal") -> None:
        super().__init__(f"The amount is {actual}, not {expected}.", path=("input", field))
        self.expected = expected
        self.actual = actual


@dataclass(frozen=True, slots=True)
class Shortage:
    """A line that cannot be met."""

    sku: str
    requested: int
    available: int


class InsufficientStockError(ConflictError):
    """There is less than was asked for of one article or several."""

    default_code = "INSUFFICIENT_STOCK"

    def __init__(self, shortages: tuple[Shortage, ...]) -> None:
        lines = ", ".join(f"{one.sku}: {one.available} of {one.requested}" for one in shortages)
        super().__init__(f"Not enough stock ({lines}).", path=("lines",))
        self.shortages = shortages


class PaymentDeclinedError(ConflictError):
    """The payment provider said no; `retryable` tells whether another try may help."""

    default_code = "PAYMENT_DECLINED"

    def __init__(self, decline_code: str, *, retryable: bool = False) -> None:
        reason = decline_code.replace("_", " ")
        super().__init__(f"The payment was declined: {reason}.", path=("input", "paymentToken"))
        self.decline_code = decline_code
        self.retryable = retryable


class OrderNotCancellableError(ConflictError):
    """The order has gone too far to be stopped."""

    default_code = "INVALID_STATE"


class OrderNotReturnableError(ConflictError):
    """Nothing of the order can be sent back now."""

    default_code = "INVALID_STATE"

    def __init__(self, status: str) -> None:
        super().__init__(f"The order is {status}; what has been shipped or delivered can be sent back.")


class OrderNotEditableError(ConflictError):
    """The order is not paid yet, or a part of it has left."""

    default_code = "INVALID_STATE"

    def __init__(self, status: str) -> None:
        super().__init__(f"The order is {status}; only what is CONFIRMED can be changed.")


class OrderBusyError(ConflictError):
    """Other work on the order is not done yet."""

    default_code = "INVALID_STATE"

    def __init__(self) -> None:
        super().__init__("Other work on this order is not done yet; try again soon.")


class NoInvoiceError(ConflictError):
    """The order was never paid, so there is nothing to invoice."""

    default_code = "INVALID_STATE"

    def __init__(self) -> None:
        super().__init__("The order has not been paid; there is no invoice.")


class SagaNotResolvableError(ConflictError):
    """Nothing of this kind can be decided by hand about the saga now."""

    default_code = "INVALID_STATE"

    def __init__(self, waits_for: str | None, verdicts: Sequence[str]) -> None:
        if waits_for is None:
            message = "This saga has ended."
        elif not verdicts:
            message = f"This saga waits for {waits_for}, which nobody can decide by hand; it can be tried again."
        else:
            message = f"This saga waits for {waits_for}, which may be {' or '.join(verdicts)}."
        super().__init__(message, path=("input",))


class LeaseLostError(InfrastructureError):
    """Another runner has taken the saga over; this one must stop without a trace."""


class ClaimedError(InfrastructureError):
    """Another attempt at payment has the checkout, or it was changed since it was read."""

    def __init__(self) -> None:
        super().__init__("the checkout is claimed already")
