"""Changing orders after they were paid: what is due for an edit or an exchange, and doing it."""

from __future__ import annotations

import strawberry

from kernel.graphql import Money, MoneyInput, TaxedMoney, UserError
from kernel.identity import require
from subgraphs.orders.api.context import Info
from subgraphs.orders.api.errors import attempt
from subgraphs.orders.api.orders import Order, OrderLine
from subgraphs.orders.api.returns import OrderReturn, OrderReturnLineInput
from subgraphs.orders.domain import changes as domain
from subgraphs.orders.domain.exchanges import Exchange, Wish
from subgraphs.orders.service.edits import Edited
from subgraphs.orders.service.exchanges import Exchanged
from subgraphs.orders.service.settlement import Settlement

_DIFFERENCE = "What the buyer pays for it; below zero it goes back to them."


@strawberry.input(description="How many pieces of a variant are to be in an order; with 0 the line is taken out.")
class OrderEditLineInput:
    """How many pieces of a variant are to be in an order."""

    sku: str
    quantity: int


@strawberry.input(description="What is to become of an order, and what was agreed to for that.")
class OrderEditConfirmInput:
    """What is to become of an order, and what was agreed to for that."""

    lines: list[OrderEditLineInput]
    expected_difference: MoneyInput = strawberry.field(description="As the preview gave it.")
    payment_token: str = strawberry.field(
        default="", description="By what a difference is paid, as in a checkout; not needed where nothing is."
    )


@strawberry.type(description="An order as it would be.")
class OrderEditPreview:
    """An order as it would be."""

    lines: list[OrderLine]
    subtotal: TaxedMoney
    total: TaxedMoney
    discount: Money
    difference: Money = strawberry.field(description=_DIFFERENCE)

    @classmethod
    def of(cls, change: domain.Change) -> OrderEditPreview:
        """Show a change."""
        order = change.order
        return cls(
            lines=[OrderLine.of(line) for line in change.lines],
            subtotal=TaxedMoney.of(order.subtotal.net, order.subtotal.tax),
            total=TaxedMoney.of(order.total.net, order.total.tax),
            discount=Money.of(order.discount),
            difference=Money.of(change.difference),
        )


@strawberry.type(description="What would become of an order, or why it cannot.")
class OrderEditPreviewPayload:
    """What would become of an order, or why it cannot."""

    preview: OrderEditPreview | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="An order after an edit.")
class OrderEditPayload:
    """An order after an edit."""

    order: Order | None = None
    applied: bool = strawberry.field(
        default=False, description="Whether it is changed by now; not as long as a payment is not known."
    )
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="What is sent back, and what is wanted instead.")
class OrderExchangeInput:
    """What is sent back, and what is wanted instead."""

    return_lines: list[OrderReturnLineInput]
    lines: list[OrderEditLineInput]
    reason: str

    def to_domain(self) -> Wish:
        """Read the wish."""
        return Wish(
            back=tuple(line.to_domain() for line in self.return_lines),
            instead=tuple((line.sku, line.quantity) for line in self.lines),
            reason=self.reason,
        )


@strawberry.input(description="An exchange, and what was agreed to for it.")
class OrderExchangeConfirmInput:
    """An exchange, and what was agreed to for it."""

    exchange: OrderExchangeInput
    expected_difference: MoneyInput = strawberry.field(description="As the preview gave it.")
    payment_token: str = strawberry.field(
        default="", description="By what a difference is paid, on the buyer's behalf; not needed where nothing is."
    )


@strawberry.type(description="What an exchange comes to.")
class OrderExchangePreview:
    """What an exchange comes to."""

    lines: list[OrderLine] = strawberry.field(description="What is sent.")
    total: TaxedMoney = strawberry.field(description="What that costs; sending it costs nothing.")
    credit: Money = strawberry.field(description="What of that is paid by the goods that come back.")
    difference: Money = strawberry.field(
        description="What the buyer pays now; below zero it goes back to them when the goods are there."
    )

    @classmethod
    def of(cls, exchange: Exchange) -> OrderExchangePreview:
        """Show an exchange."""
        total = exchange.replacement.total
        return cls(
            lines=[OrderLine.of(line) for line in exchange.lines],
            total=TaxedMoney.of(total.net, total.tax),
            credit=Money.of(exchange.returned.credit or exchange.returned.refund),
            difference=Money.of(exchange.difference),
        )


@strawberry.type(description="What an exchange would come to, or why it cannot be made.")
class OrderExchangePreviewPayload:
    """What an exchange would come to, or why it cannot be made."""

    preview: OrderExchangePreview | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="Both halves of an exchange; the new order is in PAYMENT while its payment is not known.")
class OrderExchangePayload:
    """Both halves of an exchange."""

    order_return: OrderReturn | None = None
    replacement: Order | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class ChangeQuery:
    """What changes would come to."""

    @strawberry.field(description="What becomes of an order that has not left, and what is due; nothing happens yet.")
    async def order_edit_preview(
        self, info: Info, order_id: strawberry.ID, lines: list[OrderEditLineInput]
    ) -> OrderEditPreviewPayload:
        """Work out an edit."""
        preview = info.context.service.edits.preview(info.context.caller, order_id, _wanted(lines))
        change, errors = await attempt(preview)
        return OrderEditPreviewPayload(preview=OrderEditPreview.of(change) if change else None, errors=errors)

    @strawberry.field(description="What an exchange comes to; nothing happens yet; for staff.")
    async def order_exchange_preview(
        self, info: Info, order_id: strawberry.ID, input: OrderExchangeInput
    ) -> OrderExchangePreviewPayload:
        """Work out an exchange."""
        require(info.context.caller, kinds={"staff", "admin"})
        found, errors = await attempt(info.context.service.exchanges.preview(order_id, input.to_domain()))
        return OrderExchangePreviewPayload(preview=OrderExchangePreview.of(found) if found else None, errors=errors)


@strawberry.type
class ChangeMutations:
    """Changes of paid orders."""

    @strawberry.mutation(
        description="Change an order as its preview said: stock, money, lines and parcels; once for each key."
    )
    async def order_edit_confirm(
        self, info: Info, order_id: strawberry.ID, input: OrderEditConfirmInput, idempotency_key: str
    ) -> OrderEditPayload:
        """Change an order."""

        async def confirm() -> Edited:
            settlement = _settlement(input.expected_difference, input.payment_token, idempotency_key)
            edits = info.context.service.edits
            return await edits.confirm(info.context.caller, order_id, _wanted(input.lines), settlement)

        edited, errors = await attempt(confirm())
        if edited is None:
            return OrderEditPayload(errors=errors)
        return OrderEditPayload(order=Order.of(edited.order), applied=edited.applied)

    @strawberry.mutation(
        description="Send other goods for those that come back and settle the difference; once for each key; for staff."
    )
    async def order_exchange_confirm(
        self, info: Info, order_id: strawberry.ID, input: OrderExchangeConfirmInput, idempotency_key: str
    ) -> OrderExchangePayload:
        """Exchange goods."""
        require(info.context.caller, kinds={"staff", "admin"})

        async def confirm() -> Exchanged:
            settlement = _settlement(input.expected_difference, input.payment_token, idempotency_key)
            exchanges = info.context.service.exchanges
            return await exchanges.confirm(info.context.caller, order_id, input.exchange.to_domain(), settlement)

        made, errors = await attempt(confirm())
        if made is None:
            return OrderExchangePayload(errors=errors)
        return OrderExchangePayload(order_return=OrderReturn.of(made.returned), replacement=Order.of(made.replacement))


def _wanted(lines: list[OrderEditLineInput]) -> dict[str, int]:
    return {line.sku: line.quantity for line in lines}


def _settlement(difference: MoneyInput, payment_token: str, key: str) -> Settlement:
    agreed = difference.to_domain("input", "expectedDifference")
    return Settlement(difference=agreed, payment_token=payment_token, key=key)
