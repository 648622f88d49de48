"""The life of an order, of a checkout and of a saga, each declared in one table.

A cart is open until its checkout is paid; a checkout returns to OPEN when its payment is declined, while the
order of that attempt ends as CANCELLED. FULFILMENT is an order of which a part has been shipped.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from kernel.transitions import Transitions


class OrderStatus(StrEnum):
    """Where an order stands."""

    PAYMENT = "PAYMENT"
    CONFIRMED = "CONFIRMED"
    FULFILMENT = "FULFILMENT"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"
    RETURNED = "RETURNED"
    REFUNDED = "REFUNDED"


class CheckoutStatus(StrEnum):
    """Where a checkout stands."""

    OPEN = "OPEN"
    PAYMENT = "PAYMENT"
    COMPLETED = "COMPLETED"


class SagaStatus(StrEnum):
    """Where a saga stands; WAITING has a step whose outcome is not known yet."""

    RUNNING = "RUNNING"
    WAITING = "WAITING"
    COMPENSATING = "COMPENSATING"
    COMPLETED = "COMPLETED"
    COMPENSATED = "COMPENSATED"


ORDER: Final = Transitions(
    "The order",
    {
        OrderStatus.PAYMENT: frozenset({OrderStatus.CONFIRMED, OrderStatus.CANCELLED}),
        OrderStatus.CONFIRMED: frozenset({OrderStatus.FULFILMENT, OrderStatus.SHIPPED, OrderStatus.CANCELLED}),
        OrderStatus.FULFILMENT: frozenset({OrderStatus.SHIPPED}),
        OrderStatus.SHIPPED: frozenset({OrderStatus.DELIVERED, OrderStatus.RETURNED}),
        OrderStatus.DELIVERED: frozenset({OrderStatus.RETURNED}),
        OrderStatus.CANCELLED: frozenset({OrderStatus.REFUNDED}),
        OrderStatus.RETURNED: frozenset({OrderStatus.REFUNDED}),
        OrderStatus.REFUNDED: frozenset(),
    },
)

CHECKOUT: Final = Transitions(
    "The checkout",
    {
        CheckoutStatus.OPEN: frozenset({CheckoutStatus.PAYMENT}),
        CheckoutStatus.PAYMENT: frozenset({CheckoutStatus.OPEN, CheckoutStatus.COMPLETED}),
        CheckoutStatus.COMPLETED: frozenset(),
    },
)

SAGA: Final = Transitions(
    "The saga",
    {
        SagaStatus.RUNNING: frozenset({SagaStatus.WAITING, SagaStatus.COMPENSATING, SagaStatus.COMPLETED}),
        SagaStatus.WAITING: frozenset({SagaStatus.RUNNING, SagaStatus.COMPENSATING, SagaStatus.COMPLETED}),
        SagaStatus.COMPENSATING: frozenset({SagaStatus.COMPENSATED}),
        SagaStatus.COMPLETED: frozenset(),
        SagaStatus.COMPENSATED: frozenset(),
    },
)
