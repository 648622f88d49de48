"""Makes what the buyers of the past looked at and searched for, and the facts that analytics has of their orders.

Of the last quarter it is known who looked at what: a buyer at what was bought and, from the same shelf, at what was
not; and for each that bought some visitors who did not. Some found a product by searching for its kind.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from runtime.demo_data.catalogue import Catalogue, Item
from runtime.demo_data.chance import Ids, stream
from runtime.demo_data.history import BoughtLine, Fate, PastOrder
from runtime.demo_data.records import Records
from subgraphs.orders.storage.bulk import OrderRow
from subgraphs.payments.storage.bulk import PaymentRow
from subgraphs.recommendations.storage.facts_bulk import (
    CheckoutFact,
    Facts,
    LineFact,
    RefundFact,
    SaleFact,
    SearchFact,
    ViewFact,
)

_WATCHED: Final = timedelta(days=90)
_LEFT: Final = 0.6
"""How many checkouts are left for each that is completed."""
_PASSERS_BY: Final = 4
_MISSING: Final = ("sledge", "gift card", "hammock", "snowboard", "piano")
"""What the shop does not have and is asked for."""


def make_behaviour(
    seed: int,
    catalogue: Catalogue,
    orders: Sequence[PastOrder],
    records: Records,
    now: datetime,
) -> Facts:
    """Make the facts of all orders, and of the looks and searches of the last quarter."""
    chance = stream(seed, "behaviour")
    maker = _Behaviour(chance, catalogue)
    facts = Facts(sales=[], lines=[], refunds=[], checkouts=[], views=[], searches=[])
    for order, row in zip(orders, records.orders, strict=True):
        facts.sales.append(_sale(order, row))
        facts.lines.extend(_lines(order))
        facts.checkouts.extend(maker.checkouts(row))
        if order.placed_at > now - _WATCHED:
            maker.visit(facts, order)
    facts.refunds.extend(_refund(payment, payment.refunded_at) for payment in records.payments if payment.refunded_at)
    return facts


class _Behaviour:
    """Makes visits."""

    def __init__(self, chance: random.Random, catalogue: Catalogue) -> None:
        self._chance = chance
        self._ids = Ids(chance)
        self._shelves: dict[str, list[Item]] = defaultdict(list)
        for item in catalogue.items:
            self._shelves[item.shelf.name].append(item)

    def checkouts(self, row: OrderRow) -> Iterator[CheckoutFact]:
        """Start the order's own checkout, and now and then one that was left."""
        begun = row.placed_at - timedelta(minutes=self._chance.uniform(1, 9))
        yield CheckoutFact(checkout_id=row.checkout_id, currency=row.currency, started_at=begun)
        if self._chance.random() < _LEFT:
            left = begun - timedelta(hours=self._chance.uniform(0, 20))
            yield CheckoutFact(checkout_id=self._ids.new("chk", left), currency=row.currency, started_at=left)

    def visit(self, facts: Facts, order: PastOrder) -> None:
        """Let the buyer look at what was bought, and others pass by."""
        buyer = order.customer_id or self._guest()
        for line in order.lines:
            self._look(facts, buyer, line, order.placed_at - timedelta(minutes=self._chance.uniform(10, 60)))
        for _ in range(_PASSERS_BY):
            line = self._chance.choice(order.lines)
            self._look(facts, self._guest(), line, order.placed_at - timedelta(hours=self._chance.uniform(0, 24)))

    def _look(self, facts: Facts, visitor: str, line: BoughtLine, at: datetime) -> None:
        words = self._search(facts, line.item, at) if self._chance.random() < 0.3 else ""
        others = [item for item in self._shelves[line.item.shelf.name] if item.launched_at <= at]
        seen = [line.item, *self._chance.sample(others, min(2, len(others)))]
        for place, item in enumerate(seen):
            moment = at + timedelta(seconds=40 * place)
            facts.views.append(
                ViewFact(
                    event_id=self._ids.new("evt", moment),
                    product_id=item.row.id,
                    visitor=visitor,
                    searched=words if place == 0 else "",
                    viewed_at=moment,
                )
            )

    def _search(self, facts: Facts, item: Item, at: datetime) -> str:
        """Search for the kind of thing, and seldom for what there is not."""
        begun = at - timedelta(seconds=20)
        if self._chance.random() < 0.05:
            self._add_search(facts, self._chance.choice(_MISSING), 0, begun)
        words = item.shelf.name.lower()
        self._add_search(facts, words, min(20, len(self._shelves[item.shelf.name])), begun)
        return words

    def _add_search(self, facts: Facts, words: str, found: int, at: datetime) -> None:
        facts.searches.append(
            SearchFact(event_id=self._ids.new("evt", at), place=0, words=words, found=found, searched_at=at)
        )

    def _guest(self) -> str:
        return f"gst_{self._chance.getrandbits(88):022x}"


def _sale(order: PastOrder, row: OrderRow) -> SaleFact:
    return SaleFact(
        order_id=order.id,
        buyer=order.customer_id,
        currency=order.currency,
        total_minor=row.total_minor,
        units=sum(line.quantity for line in order.lines),
        confirmed_at=order.confirmed_at,
        cancelled_at=order.ended_at if order.fate is Fate.CANCELLED else None,
    )


def _lines(order: PastOrder) -> Iterator[LineFact]:
    for line in order.lines:
        yield LineFact(
            order_id=order.id,
            sku=line.variant.sku,
            product_id=line.item.row.id,
            quantity=line.quantity,
            revenue_minor=(line.unit_price * line.quantity).minor,
        )


def _refund(payment: PaymentRow, at: datetime) -> RefundFact:
    return RefundFact(
        refund_id=payment.refund_id,
        order_id=payment.order_id,
        currency=payment.currency,
        amount_minor=payment.refunded_minor,
        refunded_at=at,
    )
