"""Changes of carts, checkouts and orders."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

import strawberry

from kernel.events.catalogue import PostalAddress
from kernel.graphql import CurrencyCode, MoneyInput, UserError
from kernel.identity import require
from subgraphs.orders.api.after_sale import AfterSaleMutations
from subgraphs.orders.api.carts import Cart
from subgraphs.orders.api.changes import ChangeMutations
from subgraphs.orders.api.checkouts import Checkout
from subgraphs.orders.api.context import Info
from subgraphs.orders.api.errors import attempt
from subgraphs.orders.api.orders import Order
from subgraphs.orders.api.payloads import OrderPayload
from subgraphs.orders.api.sagas import OrderSaga, OrderSagaResolveInput
from subgraphs.orders.api.taxes import TaxMutations
from subgraphs.orders.domain import cart as cart_domain
from subgraphs.orders.domain import checkout as checkout_domain
from subgraphs.orders.domain import order as order_domain
from subgraphs.orders.domain import saga as saga_domain
from subgraphs.orders.domain.merging import MergeStrategy
from subgraphs.orders.service.completion import Completion
from subgraphs.orders.service.drafts import Draft

_EURO: Final = CurrencyCode("EUR")


@strawberry.input(description="So many pieces of a variant.")
class CartLineInput:
    """So many pieces of a variant."""

    sku: str
    quantity: int = 1


@strawberry.input(description="Where an order goes.")
class ShippingAddressInput:
    """Where an order goes."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str = strawberry.field(description="ISO 3166-1 alpha-2.")
    line2: str = ""
    region: str = ""

    def to_domain(self) -> PostalAddress:
        """Read the address."""
        return PostalAddress(
            name=self.name,
            line1=self.line1,
            line2=self.line2,
            city=self.city,
            region=self.region,
            postal_code=self.postal_code,
            country=self.country,
        )


@strawberry.input(description="What a buyer agrees to when they pay.")
class CheckoutCompleteInput:
    """What a buyer agrees to when they pay."""

    expected_total: MoneyInput = strawberry.field(description="The gross total that the buyer has seen.")
    payment_token: str = strawberry.field(
        description="Stands for the means of payment: the provider's token, or the id of one of the buyer's own "
        "`paymentMethods`; never card data."
    )


@strawberry.input(description="What somebody is to buy, as far as it is known; the rest they say themselves.")
class DraftOrderCreateInput:
    """What somebody is to buy."""

    email: str
    lines: list[CartLineInput]
    currency: CurrencyCode = _EURO
    customer_id: strawberry.ID | None = strawberry.field(default=None, description="Without it, a guest.")
    shipping_address: ShippingAddressInput | None = None
    shipping_method_id: strawberry.ID | None = None
    voucher_code: str | None = None

    def to_domain(self) -> Draft:
        """Read the draft."""
        return Draft(
            currency=self.currency,
            email=self.email,
            lines=tuple((line.sku, line.quantity) for line in self.lines),
            customer_id=self.customer_id,
            address=self.shipping_address.to_domain() if self.shipping_address else None,
            shipping_method_id=self.shipping_method_id,
            voucher_code=self.voucher_code,
        )


@strawberry.type(description="A cart after a change.")
class CartPayload:
    """A cart after a change."""

    cart: Cart | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="A checkout after a change.")
class CheckoutPayload:
    """A checkout after a change."""

    checkout: Checkout | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="A saga after an operator's word.")
class OrderSagaPayload:
    """A saga after an operator's word."""

    saga: OrderSaga | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class CartMutations:
    """Changes of carts."""

    @strawberry.mutation(description="Make an empty cart.")
    async def cart_create(self, info: Info, currency: CurrencyCode = _EURO) -> CartPayload:
        """Make an empty cart."""
        return await _cart(info.context.service.carts.create(info.context.caller, currency))

    @strawberry.mutation(description="Add pieces to a cart, at the prices of now.")
    async def cart_lines_add(self, info: Info, id: strawberry.ID, lines: list[CartLineInput]) -> CartPayload:
        """Add pieces to a cart."""
        wanted = [(line.sku, line.quantity) for line in lines]
        return await _cart(info.context.service.carts.add_lines(info.context.caller, id, wanted))

    @strawberry.mutation(description="Set how many pieces a line holds.")
    async def cart_line_update(self, info: Info, id: strawberry.ID, sku: str, quantity: int) -> CartPayload:
        """Set how many pieces a line holds."""
        return await _cart(info.context.service.carts.set_quantity(info.context.caller, id, sku, quantity))

    @strawberry.mutation(description="Let a voucher count for a cart, in place of an earlier one.")
    async def cart_voucher_apply(self, info: Info, id: strawberry.ID, code: str) -> CartPayload:
        """Let a voucher count."""
        return await _cart(info.context.service.cart_vouchers.apply(info.context.caller, id, code))

    @strawberry.mutation(description="Take the voucher off a cart.")
    async def cart_voucher_remove(self, info: Info, id: strawberry.ID) -> CartPayload:
        """Take the voucher off."""
        return await _cart(info.context.service.cart_vouchers.remove(info.context.caller, id))

    @strawberry.mutation(description="Take a line out of a cart.")
    async def cart_line_remove(self, info: Info, id: strawberry.ID, sku: str) -> CartPayload:
        """Take a line out."""
        return await _cart(info.context.service.carts.remove_line(info.context.caller, id, sku))

    @strawberry.mutation(description="Put a line aside for later.")
    async def cart_line_save(self, info: Info, id: strawberry.ID, sku: str) -> CartPayload:
        """Put a line aside."""
        return await _cart(info.context.service.carts.set_saved(info.context.caller, id, sku, saved=True))

    @strawberry.mutation(description="Take a line up again that was put aside.")
    async def cart_line_restore(self, info: Info, id: strawberry.ID, sku: str) -> CartPayload:
        """Take a line up again."""
        return await _cart(info.context.service.carts.set_saved(info.context.caller, id, sku, saved=False))

    @strawberry.mutation(description="After log-in: bring what was put together as a guest to one's own cart.")
    async def cart_merge(
        self, info: Info, guest_cart_id: strawberry.ID, strategy: MergeStrategy = MergeStrategy.MERGE
    ) -> CartPayload:
        """Bring a guest's cart to the caller's own."""
        return await _cart(info.context.service.carts.merge(info.context.caller, guest_cart_id, strategy))


@strawberry.type
class CheckoutMutations:
    """Changes of checkouts."""

    @strawberry.mutation(
        description="Take a cart over at the prices of now and hold its stock; again, to take over its changes."
    )
    async def checkout_create(self, info: Info, cart_id: strawberry.ID, email: str | None = None) -> CheckoutPayload:
        """Take a cart over; a customer's own e-mail address is used where none is given."""
        caller = info.context.caller
        return await _checkout(
            info, info.context.service.checkouts.create(caller, cart_id, email or caller.email or "")
        )

    @strawberry.mutation(description="Say where the order goes.")
    async def checkout_shipping_address_set(
        self, info: Info, id: strawberry.ID, address: ShippingAddressInput
    ) -> CheckoutPayload:
        """Say where the order goes."""
        change = info.context.service.checkouts.set_address(info.context.caller, id, address.to_domain())
        return await _checkout(info, change)

    @strawberry.mutation(description="Choose how the order is sent.")
    async def checkout_shipping_method_set(
        self, info: Info, id: strawberry.ID, method_id: strawberry.ID
    ) -> CheckoutPayload:
        """Choose how the order is sent."""
        change = info.context.service.checkouts.set_shipping_method(info.context.caller, id, method_id)
        return await _checkout(info, change)

    @strawberry.mutation(description="Put an order together for somebody, who then pays this checkout; for staff.")
    async def draft_order_create(self, info: Info, input: DraftOrderCreateInput) -> CheckoutPayload:
        """Put an order together for somebody."""
        require(info.context.caller, kinds={"staff", "admin"})
        return await _checkout(info, info.context.service.drafts.create(info.context.caller, input.to_domain()))

    @strawberry.mutation(description="Let a voucher count for a checkout, in place of an earlier one.")
    async def checkout_voucher_apply(self, info: Info, id: strawberry.ID, code: str) -> CheckoutPayload:
        """Let a voucher count."""
        return await _checkout(info, info.context.service.checkouts.apply_voucher(info.context.caller, id, code))

    @strawberry.mutation(description="Take the voucher off a checkout.")
    async def checkout_voucher_remove(self, info: Info, id: strawberry.ID) -> CheckoutPayload:
        """Take the voucher off."""
        return await _checkout(info, info.context.service.checkouts.remove_voucher(info.context.caller, id))

    @strawberry.mutation(
        description="Pay a checkout, exactly once: whatever is sent again finds the order that the first has made."
    )
    async def checkout_complete(
        self, info: Info, id: strawberry.ID, input: CheckoutCompleteInput, idempotency_key: str
    ) -> OrderPayload:
        """Pay a checkout."""

        async def complete() -> order_domain.Order:
            total = input.expected_total.to_domain("input", "expectedTotal")
            request = Completion(total, input.payment_token, idempotency_key)
            return await info.context.service.completion.complete(info.context.caller, id, request)

        return await _order(complete())


@strawberry.type
class OrderMutations:
    """Changes of orders."""

    @strawberry.mutation(description="Cancel an order that has not left; its stock and its money go back.")
    async def order_cancel(self, info: Info, id: strawberry.ID, reason: str = "CUSTOMER_REQUEST") -> OrderPayload:
        """Cancel an order."""
        return await _order(info.context.service.orders.cancel(info.context.caller, id, reason[:200]))


@strawberry.type
class SagaMutations:
    """What operators do with sagas."""

    @strawberry.mutation(description="Let a saga that waits be carried on now; for staff.")
    async def order_saga_retry(self, info: Info, id: strawberry.ID) -> OrderSagaPayload:
        """Let a saga be carried on now."""
        require(info.context.caller, kinds={"staff", "admin"})
        return await _saga(info.context.service.oversight.retry(id))

    @strawberry.mutation(
        description="Say what became of the step that a saga waits for, when no service can tell; for staff."
    )
    async def order_saga_resolve(self, info: Info, id: strawberry.ID, input: OrderSagaResolveInput) -> OrderSagaPayload:
        """Decide about a step by hand."""
        who = require(info.context.caller, kinds={"staff", "admin"})
        oversight = info.context.service.oversight
        return await _saga(oversight.resolve(id, input.step, input.verdict, by=who, result=input.result))


@strawberry.type
class Mutation(
    CartMutations,
    CheckoutMutations,
    OrderMutations,
    AfterSaleMutations,
    ChangeMutations,
    SagaMutations,
    TaxMutations,
):
    """Changes of orders."""


async def _cart(change: Awaitable[cart_domain.Cart]) -> CartPayload:
    cart, errors = await attempt(change)
    return CartPayload(cart=Cart.of(cart) if cart else None, errors=errors)


async def _checkout(info: Info, change: Awaitable[checkout_domain.Checkout]) -> CheckoutPayload:
    checkout, errors = await attempt(change)
    if checkout is None:
        return CheckoutPayload(errors=errors)
    return CheckoutPayload(checkout=Checkout.of(checkout, info.context.service.completion.totals_of(checkout)))


async def _order(change: Awaitable[order_domain.Order]) -> OrderPayload:
    order, errors = await attempt(change)
    return OrderPayload(order=Order.of(order) if order else None, errors=errors)


async def _saga(change: Awaitable[saga_domain.Saga]) -> OrderSagaPayload:
    saga, errors = await attempt(change)
    return OrderSagaPayload(saga=OrderSaga.of(saga) if saga else None, errors=errors)
