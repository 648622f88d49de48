"""Changes of an order before it leaves, worked out before anything happens: lines, totals and what is due.

Pieces that stay keep their price, their tax and their part of the discount, to the last minor unit: a line that
becomes smaller keeps the shares of its first pieces. Pieces that are added cost what the line cost, new lines what the
catalogue says now; neither has a part in the voucher. Shipping stays as it was agreed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kernel.errors import InvalidInputError, NotFoundError
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.orders.domain.cart import MAX_LINES, MAX_QUANTITY, Article
from subgraphs.orders.domain.errors import OrderNotEditableError, QuantityError, VariantUnavailableError
from subgraphs.orders.domain.order import Order, OrderLine
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.domain.tax import Taxed, TaxProvider, TaxRate, place_of, tax_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An order as it would be, and what the buyer would pay for that; below zero it is what they would get back."""

    order: Order
    lines: tuple[OrderLine, ...]
    difference: Money

    @property
    def quantities(self) -> dict[str, int]:
        """How many of each SKU are in it."""
        return {line.sku: line.quantity for line in self.lines}


def check_editable(order: Order) -> None:
    """Let an order pass of which nothing has left.

    Raises:
        OrderNotEditableError: it is not confirmed, or not any more.
    """
    if order.status is not OrderStatus.CONFIRMED:
        raise OrderNotEditableError(order.status)


def unknown_skus(lines: Sequence[OrderLine], wanted: Mapping[str, int]) -> list[str]:
    """Name what is to come into an order that is not in it."""
    known = {line.sku for line in lines}
    return [sku for sku, quantity in wanted.items() if sku not in known and quantity]


def change(
    order: Order,
    lines: Sequence[OrderLine],
    wanted: Mapping[str, int],
    articles: Mapping[str, Article],
    taxes: TaxProvider,
) -> Change:
    """Work out what becomes of an order whose lines are to have these quantities; what is not named stays.

    Raises:
        OrderNotEditableError: it is not confirmed, or not any more.
        QuantityError: a quantity is out of bounds, there are too many lines, or none would be left.
        VariantUnavailableError: what is to come into it is not for sale.
        NotFoundError: what is to be taken out is not in it.
        InvalidInputError: nothing would change.
    """
    check_editable(order)
    _check_quantities(lines, wanted)
    place = place_of(order.address)
    kept = [_resized(line, wanted.get(line.sku, line.quantity), taxes.rate(place, line.sku)) for line in lines]
    added = _added(order, lines, wanted, articles, taxes)
    after = tuple(line for line in (*kept, *added) if line.quantity)
    if not 1 <= len(after) <= MAX_LINES:
        message = f"An order has from 1 to {MAX_LINES} lines; cancel it where nothing is to be left."
        raise QuantityError(message, path=("lines",))
    if after == tuple(lines):
        raise InvalidInputError("This changes nothing.", path=("lines",))
    changed = changed_order(order, after)
    return Change(order=changed, lines=after, difference=changed.total.gross - order.total.gross)


def changed_order(order: Order, lines: Sequence[OrderLine]) -> Order:
    """The order with these lines in place of its own."""
    zero = Money.zero(order.currency)
    return replace(
        order,
        subtotal=sum((line.total for line in lines), start=Taxed(zero, zero)),
        discount=Money.sum((line.discount for line in lines), order.currency),
        revision=order.revision + 1,
    )


def new_line(order_id: str, position: int, article: Article, quantity: int, rate: TaxRate) -> OrderLine:
    """Make a line at the article's price of now."""
    return OrderLine(
        id=new_id("line"),
        order_id=order_id,
        position=position,
        sku=article.sku,
        variant_id=article.variant_id,
        product_id=article.product_id,
        name=article.name,
        quantity=quantity,
        unit_price=article.unit_price,
        total=tax_of(article.unit_price * quantity, rate),
        discount=Money.zero(article.unit_price.currency),
    )


def _check_quantities(lines: Sequence[OrderLine], wanted: Mapping[str, int]) -> None:
    known = {line.sku for line in lines}
    for sku, quantity in wanted.items():
        if not 0 <= quantity <= MAX_QUANTITY:
            raise QuantityError(f"A quantity is from 0 to {MAX_QUANTITY}.", path=("lines", sku[:64]))
        if not quantity and sku not in known:
            raise NotFoundError("The order has no such line.", path=("lines", sku[:64]))


def _resized(line: OrderLine, quantity: int, rate: TaxRate) -> OrderLine:
    if quantity < line.quantity:
        tax, gross = (_of_the_first(whole, line.quantity, quantity) for whole in (line.total.tax, line.total.gross))
        discount = _of_the_first(line.discount, line.quantity, quantity)
        return replace(line, quantity=quantity, total=Taxed(gross - tax, tax), discount=discount)
    more = tax_of(line.unit_price * (quantity - line.quantity), rate)
    return replace(line, quantity=quantity, total=line.total + more)


def _of_the_first(whole: Money, pieces: int, kept: int) -> Money:
    return Money.sum(whole.split(pieces)[:kept], whole.currency)


def _added(
    order: Order,
    lines: Sequence[OrderLine],
    wanted: Mapping[str, int],
    articles: Mapping[str, Article],
    taxes: TaxProvider,
) -> list[OrderLine]:
    added: list[OrderLine] = []
    place = place_of(order.address)
    for sku in unknown_skus(lines, wanted):
        if sku not in articles:
            raise VariantUnavailableError(sku)
        position = lines[-1].position + 1 + len(added)
        added.append(new_line(order.id, position, articles[sku], wanted[sku], taxes.rate(place, sku)))
    return added
