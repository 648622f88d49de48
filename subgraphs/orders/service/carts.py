"""Use cases of carts: filling them, what there is to know about them, and what becomes of them when a guest logs in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.identity import Caller, require
from kernel.ids import new_id
from kernel.money import decimals_of
from subgraphs.orders.domain.cart import MAX_LINES, Cart, check_quantity, combine, line_of
from subgraphs.orders.domain.errors import (
    CartClosedError,
    CurrencyMismatchError,
    QuantityError,
    VariantUnavailableError,
)
from subgraphs.orders.domain.merging import MergeStrategy, additions
from subgraphs.orders.domain.notices import CartNotice, notices
from subgraphs.orders.domain.ports import Catalogue, Stock
from subgraphs.orders.service.access import customer_of, may_see
from subgraphs.orders.storage import carts as store


class CartService:
    """Makes and fills carts."""

    def __init__(self, database: Database, catalogue: Catalogue, stock: Stock, clock: Clock) -> None:
        self.database = database
        self._catalogue = catalogue
        self._stock = stock
        self._clock = clock

    async def create(self, caller: Caller, currency: str, customer_id: str | None = None) -> Cart:
        """Make an empty cart, owned by the caller when that is a customer, else by whom the staff names."""
        decimals_of(currency)
        now = self._clock.now()
        cart = Cart(
            id=new_id("cart"),
            currency=currency,
            customer_id=customer_of(caller) or customer_id,
            version=1,
            ordered=False,
            lines=(),
            created_at=now,
            updated_at=now,
        )
        async with self.database.transaction() as session:
            await store.add(session, cart)
        return cart

    async def get(self, caller: Caller, cart_id: str) -> Cart | None:
        """Read a cart; one of somebody else does not exist."""
        async with self.database.session() as session:
            cart = await store.by_id(session, cart_id)
        return cart if cart is not None and may_see(caller, cart.customer_id) else None

    async def add_lines(self, caller: Caller, cart_id: str, wanted: list[tuple[str, int]]) -> Cart:
        """Add pieces of articles at their prices of now.

        Raises:
            NotFoundError: no such cart for this caller.
            QuantityError: a quantity is out of bounds.
            VariantUnavailableError: an article is not for sale in the cart's currency.
            CartClosedError: the cart has been ordered.
        """
        quantities = combine(wanted)
        cart = await self._open(caller, cart_id)
        articles = await self._catalogue.articles(list(quantities), cart.currency)
        _check_for_sale(quantities.keys() - articles.keys())
        lines = [line_of(articles[sku], quantity) for sku, quantity in quantities.items()]
        now = self._clock.now()
        async with self.database.transaction() as session:
            _check_open(await store.put_lines(session, cart_id, lines, now))
            filled = await store.by_id(session, cart_id)
            if filled is None or len(filled.lines) > MAX_LINES:
                raise QuantityError(f"A cart takes {MAX_LINES} different articles at most.", path=("lines",))
        return filled

    async def set_quantity(self, caller: Caller, cart_id: str, sku: str, quantity: int) -> Cart:
        """Set how many pieces a line holds."""
        check_quantity(quantity)
        await self._open(caller, cart_id, sku)
        async with self.database.transaction() as session:
            _check_open(await store.set_quantity(session, cart_id, sku, quantity, self._clock.now()))
        return await self._open(caller, cart_id)

    async def remove_line(self, caller: Caller, cart_id: str, sku: str) -> Cart:
        """Take a line out."""
        await self._open(caller, cart_id, sku)
        async with self.database.transaction() as session:
            _check_open(await store.remove_line(session, cart_id, sku, self._clock.now()))
        return await self._open(caller, cart_id)

    async def set_saved(self, caller: Caller, cart_id: str, sku: str, *, saved: bool) -> Cart:
        """Put a line aside for later, or take it up again."""
        await self._open(caller, cart_id, sku, also_saved=True)
        async with self.database.transaction() as session:
            _check_open(await store.set_saved(session, cart_id, sku, saved=saved, at=self._clock.now()))
        return await self._open(caller, cart_id)

    async def notices(self, cart: Cart) -> tuple[CartNotice, ...]:
        """Tell which prices moved and which lines cannot be had as they are, by catalogue and stock of now."""
        if not cart.lines or cart.ordered:
            return ()
        skus = [line.sku for line in cart.lines]
        articles, available = await asyncio.gather(
            self._catalogue.articles(skus, cart.currency), self._stock.available(skus)
        )
        return tuple(notices(cart, articles, available))

    async def merge(self, caller: Caller, guest_cart_id: str, strategy: MergeStrategy) -> Cart:
        """Bring what somebody put together as a guest to their own cart; doing so again finds the same cart.

        Raises:
            NotFoundError: no such cart of a guest.
            CartClosedError: it has been ordered.
            QuantityError: both together are too many lines.
        """
        customer_id = require(caller, kinds={"customer"})
        async with self.database.transaction() as session:
            own = (await store.of_customers(session, [customer_id])).get(customer_id)
            both = await store.lock(session, [guest_cart_id, *([own.id] if own else [])])
            guest = both.get(guest_cart_id)
            if guest is None or guest.customer_id not in {None, customer_id}:
                raise NotFoundError("No such cart.", path=("guestCartId",))
            if guest.merged_into is not None and own is not None:
                return both[own.id]
            if guest.ordered:
                raise CartClosedError
            stays = await self._merge(session, guest, both.get(own.id) if own else None, strategy)
            await store.attach(session, stays, customer_id)
            merged = (await store.by_ids(session, [stays]))[stays]
            if len(merged.lines) > MAX_LINES:
                raise QuantityError(f"A cart takes {MAX_LINES} different articles at most.", path=("guestCartId",))
        return merged

    async def _merge(self, session: AsyncSession, guest: Cart, own: Cart | None, strategy: MergeStrategy) -> str:
        """Let one cart stay, and close the other; give the id of the one that stays."""
        now = self._clock.now()
        if own is None or own.ordered or own.id == guest.id:
            return guest.id
        if strategy is MergeStrategy.USE_GUEST:
            await store.close_merged(session, own.id, guest.id, now)
            return guest.id
        if strategy is MergeStrategy.MERGE:
            if guest.currency != own.currency:
                raise CurrencyMismatchError(guest.currency, own.currency)
            if added := additions(guest, own):
                await store.raise_lines(session, own.id, added, now)
        await store.close_merged(session, guest.id, own.id, now)
        return own.id

    async def _open(self, caller: Caller, cart_id: str, sku: str | None = None, *, also_saved: bool = False) -> Cart:
        cart = await self.get(caller, cart_id)
        if cart is None:
            raise NotFoundError("No such cart.", path=("id",))
        if cart.ordered:
            raise CartClosedError
        lines = (*cart.lines, *cart.saved) if also_saved else cart.lines
        if sku is not None and all(line.sku != sku for line in lines):
            raise NotFoundError("The cart has no such line.", path=("sku",))
        return cart


def _check_for_sale(missing: Sequence[str] | set[str]) -> None:
    for sku in sorted(missing):
        raise VariantUnavailableError(sku)


def _check_open(changed: bool) -> None:  # one question, one answer
    if not changed:
        raise CartClosedError
