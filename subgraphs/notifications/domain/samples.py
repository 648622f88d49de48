"""Invented letters, one for each topic: for previews, and for checking templates before they are used."""

from __future__ import annotations

from typing import Any, Final

from kernel.events.catalogue import OrderLineFacts, PostalAddress
from kernel.money import Money
from subgraphs.notifications.domain.letters import Letter
from subgraphs.notifications.domain.messages import Topic

_LINES: Final = (
    OrderLineFacts(sku="TENT-2P", product_id="prod_1", name="Tent for two", quantity=1, unit_price_minor=19900),
    OrderLineFacts(sku="MUG-BLUE", product_id="prod_2", name="Enamel mug, blue", quantity=2, unit_price_minor=1250),
)
_ADDRESS: Final = PostalAddress(
    name="Ada Lovelace", line1="12 St James's Square", city="London", postal_code="SW1Y 4JH", country="GB"
)
_TOTAL: Final = Money(22400, "EUR")
_SECRET: Final[dict[str, Any]] = {"secret": "a-secret-of-one-use"}
_FACTS: Final[dict[Topic, dict[str, Any]]] = {
    Topic.ORDER_CONFIRMED: {
        "number": "1001", "lines": _LINES, "address": _ADDRESS, "currency": "EUR", "total": _TOTAL,
    },
    Topic.ORDER_SHIPPED: {"number": "1001", "carrier": "Post", "tracking_number": "RR123456785GB", "complete": True},
    Topic.ORDER_DELIVERED: {"number": "1001", "complete": True},
    Topic.ORDER_CANCELLED: {"number": "1001", "reason": "ordered by mistake"},
    Topic.PAYMENT_REFUNDED: {"number": "1001", "amount": _TOTAL, "reason": "returned"},
    Topic.BACK_IN_STOCK: {"sku": "TENT-2P", "item": "Tent for two"},
    Topic.LOW_STOCK: {"sku": "TENT-2P", "warehouse": "wh_1", "available": 3, "reorder_point": 5},
    Topic.CART_ABANDONED: {"lines": _LINES, "total": _TOTAL},
    Topic.WEBHOOK_DISABLED: {"url": "https://partner.example/hooks", "reason": "it answered 410 Gone"},
    Topic.DIGEST: {"items": ({"subject": "Tent for two is back", "text": "It can be bought again."},)},
}  # fmt: skip


def sample_of(topic: Topic) -> Letter:
    """Invent a letter about a topic."""
    facts = _FACTS.get(topic, _SECRET)
    return Letter(topic=topic, email="ada@example.com", user_id="usr_1", name="Ada Lovelace", facts=facts)
