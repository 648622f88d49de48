"""Use cases of carts."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.identity import Caller
from kernel.ids import new_id
from kernel.money import decimals_of
from subgraphs.orders.domain.cart import MAX_LINES, Cart, check_quantity, combine, line_of
from subgraphs.orders.domain.errors import CartClosedError, QuantityError, VariantUnavailableError
from subgraphs.orders.domain.ports import Catalogue
from subgraphs.orders.service.access import customer_of, may_see
from subgraphs.orders.storage import carts as store


class CartService:
    """Makes and fills carts."""

    def __init__(self, database: Database, catalogue: Catalogue, clock: Clock) -> None:
        self.database = database
        self._catalogue = catalogue
        self._clock = clock

    async def create(self, caller: Caller, currency: str) -> Cart:
        """Make an empty cart, owned by the caller when that is a customer."""
        decimals_of(currency)
        now = self._clock.now()
        cart = Cart(
            id=new_id("cart"),
            currency=currency,
            customer_id=customer_of(caller),
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

    async def _open(self, caller: Caller, cart_id: str, sku: str | None = None) -> Cart:
        cart = await self.get(caller, cart_id)
        if cart is None:
            raise NotFoundError("No such cart.", path=("id",))
        if cart.ordered:
            raise CartClosedError
        if sku is not None and all(line.sku != sku for line in cart.lines):
            raise NotFoundError("The cart has no such line.", path=("sku",))
        return cart


def _check_for_sale(missing: Sequence[str] | set[str]) -> None:
    for sku in sorted(missing):
        raise VariantUnavailableError(sku)


def _check_open(changed: bool) -> None:  # one question, one answer
    if not changed:
        raise CartClosedError
