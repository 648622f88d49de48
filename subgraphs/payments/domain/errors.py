"""What payments refuse.

InfrastructureError
└── OutcomeUnknownError             the provider was asked, its answer never came
DomainError
├── ConflictError
│   ├── IdempotencyKeyReusedError   IDEMPOTENCY_KEY_REUSED
│   ├── OperationUnderWayError      CONFLICT
│   ├── RefundExceedsPaymentError   REFUND_TOO_LARGE
│   └── CaptureExceedsPaymentError  INVALID_INPUT
└── NotFoundError
    └── UnknownProviderError        NOT_FOUND
"""

from __future__ import annotations

from kernel.errors import ConflictError, InfrastructureError, NotFoundError
from kernel.money import Money


class OutcomeUnknownError(InfrastructureError):
    """The provider may or may not have done what was asked: ask again, never guess."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class IdempotencyKeyReusedError(ConflictError):
    """The key was used before for something else."""

    default_code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__("This idempotency key was used for another request.", path=("idempotencyKey",))


class OperationUnderWayError(ConflictError):
    """Held money is being captured or let go already, under another key."""

    def __init__(self) -> None:
        super().__init__("The payment is being captured or voided already.", path=("paymentId",))


class RefundExceedsPaymentError(ConflictError):
    """More was to be given back than is left of the payment."""

    default_code = "REFUND_TOO_LARGE"

    def __init__(self, wanted: Money, left: Money) -> None:
        super().__init__(f"{wanted} cannot be refunded, {left} is left.", path=("amount",))
        self.left = left


class CaptureExceedsPaymentError(ConflictError):
    """More was to be captured than is held."""

    default_code = "INVALID_INPUT"

    def __init__(self, wanted: Money, held: Money) -> None:
        super().__init__(f"{wanted} cannot be captured, {held} is held.", path=("amount",))
        self.held = held


class UnknownProviderError(NotFoundError):
    """No such payment provider is set up here."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no payment provider {name[:40]!r}.", path=("provider",))
