"""Use cases of checkouts up to payment: take a cart over, hold its stock, address, shipping method.

Other subgraphs are asked first, then one short transaction stores the result if nothing has changed since.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.events.catalogue import CheckoutStarted, PostalAddress
from kernel.events.outbox import record
from kernel.identity import Caller
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.orders.domain.cart import Cart, CartLine, line_of
from subgraphs.orders.domain.checkout import Checkout, Reservation, ShippingChoice, Voucher, begin, holds, take_over
from subgraphs.orders.domain.errors import (
    CartChangedError,
    CartClosedError,
    CheckoutNotReadyError,
    VariantUnavailableError,
)
from subgraphs.orders.domain.order import check_address
from subgraphs.orders.domain.ports import Ports, VoucherPurchase
from subgraphs.orders.domain.status import CheckoutStatus
from subgraphs.orders.service.access import customer_of, may_see
from subgraphs.orders.storage import carts as cart_store
from subgraphs.orders.storage import checkouts as store

_WORTH_KEEPING: Final = timedelta(seconds=60)
"""A reservation that ends sooner is made anew when a cart is taken over again."""

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class CheckoutService:
    """Leads a cart to the point where it can be paid."""

    def __init__(self, database: Database, ports: Ports, clock: Clock, *, reservation_seconds: int = 900) -> None:
        self.database = database
        self._catalogue = ports.catalogue
        self._stock = ports.stock
        self._shipping = ports.shipping
        self._vouchers = ports.vouchers
        self._clock = clock
        self._reservation_seconds = reservation_seconds

    async def create(self, caller: Caller, cart_id: str, email: str) -> Checkout:
        """Take a cart over at the prices of now and hold its stock; doing so again takes over what has changed.

        Raises:
            NotFoundError: no such cart for this caller.
            CartClosedError: the cart has been ordered.
            VariantUnavailableError: an article is no longer for sale.
            InsufficientStockError: there is too little of something.
        """
        cart, known = await self._cart(caller, cart_id)
        lines = await self.priced(cart.lines, cart.currency)
        now = self._clock.now()
        known = known or begin(new_id("chk"), cart, now)
        fresh = take_over(known, cart, lines, email=_check_email(email))
        fresh = replace(fresh, customer_id=customer_of(caller) or cart.customer_id)
        if not holds(known, lines, now + _WORTH_KEEPING):
            fresh = replace(fresh, reservation=await self._reserve(fresh))
        fresh = await self._with_voucher_if_it_counts(_with_code_of(cart, fresh))
        return await self._save(await self._with_current_shipping(fresh), attach_cart=cart)

    async def get(self, caller: Caller, checkout_id: str) -> Checkout | None:
        """Read a checkout; one of somebody else does not exist."""
        async with self.database.session() as session:
            checkout = await store.by_id(session, checkout_id)
        return checkout if checkout is not None and may_see(caller, checkout.customer_id) else None

    async def set_address(self, caller: Caller, checkout_id: str, address: PostalAddress) -> Checkout:
        """Say where the parcel goes; the shipping method is priced anew for it."""
        checkout = await self._open(caller, checkout_id)
        addressed = replace(checkout, address=check_address(address), version=checkout.version + 1)
        return await self._save(await self._with_current_shipping(addressed))

    async def set_shipping_method(self, caller: Caller, checkout_id: str, method_id: str) -> Checkout:
        """Choose how the parcel goes, at the price of now."""
        checkout = await self._open(caller, checkout_id)
        if checkout.address is None:
            raise CheckoutNotReadyError("Say first where the parcel goes.", code="ADDRESS_REQUIRED")
        offered = {choice.method_id: choice for choice in await self.choices(checkout)}
        if method_id not in offered:
            raise InvalidInputError("This method does not serve the address.", path=("methodId",))
        return await self._save(replace(checkout, shipping=offered[method_id], version=checkout.version + 1))

    async def apply_voucher(self, caller: Caller, checkout_id: str, code: str) -> Checkout:
        """Let a voucher count for a checkout, in place of an earlier one.

        Raises:
            ConflictError: it does not count; the code says why, and nothing has changed.
        """
        checkout = await self._open(caller, checkout_id)
        voucher = await self._vouchers.evaluate(code, purchase_of(checkout))
        return await self._save(replace(checkout, voucher=voucher, version=checkout.version + 1))

    async def remove_voucher(self, caller: Caller, checkout_id: str) -> Checkout:
        """Take the voucher off again."""
        checkout = await self._open(caller, checkout_id)
        return await self._save(replace(checkout, voucher=None, version=checkout.version + 1))

    async def with_voucher_of_now(self, checkout: Checkout) -> Checkout:
        """Give the checkout with what its voucher takes off now.

        Raises:
            ConflictError: the voucher counts no longer.
        """
        if checkout.voucher is None:
            return checkout
        return replace(checkout, voucher=await self._vouchers.evaluate(checkout.voucher.code, purchase_of(checkout)))

    async def choices(self, checkout: Checkout) -> tuple[ShippingChoice, ...]:
        """Price every method for a checkout that has an address."""
        if checkout.address is None:
            return ()
        return await self._shipping.choices(checkout.address.country, checkout.goods, checkout.weight_grams)

    async def refresh(self, priced: Checkout) -> None:
        """Keep the prices of now, so that the buyer can read what they would agree to."""
        await self._save(await self._with_current_shipping(replace(priced, version=priced.version + 1)))

    async def priced(self, lines: tuple[CartLine, ...], currency: str) -> tuple[CartLine, ...]:
        """Give the same lines at the prices of now."""
        articles = await self._catalogue.articles([line.sku for line in lines], currency)
        for line in lines:
            if line.sku not in articles:
                raise VariantUnavailableError(line.sku)
        return tuple(line_of(articles[line.sku], line.quantity) for line in lines)

    async def _cart(self, caller: Caller, cart_id: str) -> tuple[Cart, Checkout | None]:
        async with self.database.session() as session:
            cart = await cart_store.by_id(session, cart_id)
            known = await store.of_cart(session, cart_id)
        if cart is None or not may_see(caller, cart.customer_id):
            raise NotFoundError("No such cart.", path=("cartId",))
        if cart.ordered:
            raise CartClosedError
        if not cart.lines:
            raise CheckoutNotReadyError("The cart is empty.", code="CART_EMPTY")
        return cart, known

    async def _reserve(self, checkout: Checkout) -> Reservation:
        """Hold the stock of a checkout; what an earlier version of it held is let go first."""
        if checkout.reservation is not None:
            released = checkout.reservation.id
            await self._stock.release(released, "the cart has changed", f"{released}:release")
        quantities = {line.sku: line.quantity for line in checkout.lines}
        key = f"{checkout.id}:reserve:{checkout.version}:{checkout.cart_version}"
        return await self._stock.reserve(checkout.id, quantities, self._reservation_seconds, key)

    async def _with_voucher_if_it_counts(self, checkout: Checkout) -> Checkout:
        """Work out the voucher anew for other lines; it is dropped where it does not count for them."""
        try:
            return await self.with_voucher_of_now(checkout)
        except ConflictError:
            return replace(checkout, voucher=None)

    async def _with_current_shipping(self, checkout: Checkout) -> Checkout:
        """Price the chosen method anew; it is dropped where it is no longer offered."""
        if checkout.shipping is None:
            return checkout
        offered = {choice.method_id: choice for choice in await self.choices(checkout)}
        return replace(checkout, shipping=offered.get(checkout.shipping.method_id))

    async def _open(self, caller: Caller, checkout_id: str) -> Checkout:
        checkout = await self.get(caller, checkout_id)
        if checkout is None:
            raise NotFoundError("No such checkout.", path=("id",))
        if checkout.status != CheckoutStatus.OPEN:
            raise CartClosedError
        return checkout

    async def _save(self, checkout: Checkout, *, attach_cart: Cart | None = None) -> Checkout:
        async with self.database.transaction() as session:
            if not await store.save(session, checkout, self._clock.now()):
                raise CartChangedError
            if attach_cart and checkout.version == 1:
                await record(session, _started(checkout, self._clock.now()), subject=checkout.id)
            if attach_cart and checkout.customer_id and attach_cart.customer_id is None:
                await cart_store.attach(session, attach_cart.id, checkout.customer_id)
        return checkout


def _with_code_of(cart: Cart, checkout: Checkout) -> Checkout:
    """Let a checkout have the voucher that was entered, or taken off, while it was a cart; it is worked out later."""
    if cart.voucher_code is None:
        return checkout
    nothing = Money.zero(checkout.currency)
    entered = Voucher(code=cart.voucher_code, name="", discount=nothing) if cart.voucher_code else None
    return replace(checkout, voucher=entered)


def purchase_of(checkout: Checkout) -> VoucherPurchase:
    """Tell for what and for whom a voucher of this checkout is to count."""
    return VoucherPurchase(goods=checkout.goods, customer_id=checkout.customer_id, email=checkout.email)


def _started(checkout: Checkout, at: datetime) -> CheckoutStarted:
    return CheckoutStarted(
        checkout_id=checkout.id, cart_id=checkout.cart_id, currency=checkout.currency, started_at=at.isoformat()
    )


def _check_email(email: str) -> str:
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise InvalidInputError("Not an e-mail address.", path=("email",))
    return email
