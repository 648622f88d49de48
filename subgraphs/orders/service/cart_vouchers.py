"""Use cases of vouchers on carts: a code is kept with the cart, and what it takes off is asked for each time.

So the answer is always that of now: a code that counted may expire, or want more goods than are left in the cart.
The checkout takes the code over as long as it counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import ConflictError, DomainError, NotFoundError
from kernel.identity import Caller
from subgraphs.orders.domain.cart import Cart
from subgraphs.orders.domain.checkout import Voucher
from subgraphs.orders.domain.errors import CartClosedError
from subgraphs.orders.domain.ports import VoucherPurchase, Vouchers
from subgraphs.orders.service.carts import CartService
from subgraphs.orders.storage import carts as store


@dataclass(frozen=True, slots=True)
class Standing:
    """How a cart's voucher stands now: what it takes off, or why it does not count."""

    code: str
    voucher: Voucher | None = None
    refusal: DomainError | None = None


class CartVoucherService:
    """Keeps vouchers on carts."""

    def __init__(self, database: Database, carts: CartService, vouchers: Vouchers, clock: Clock) -> None:
        self.database = database
        self._carts = carts
        self._vouchers = vouchers
        self._clock = clock

    async def apply(self, caller: Caller, cart_id: str, code: str) -> Cart:
        """Let a voucher count for a cart, in place of an earlier one.

        Raises:
            NotFoundError: no such cart for this caller.
            CartClosedError: it has been ordered.
            ConflictError: the voucher does not count; the code says why, and nothing has changed.
        """
        cart = await self._open(caller, cart_id)
        voucher = await self._vouchers.evaluate(code, _purchase(caller, cart))
        return await self._keep(caller, cart_id, voucher.code)

    async def remove(self, caller: Caller, cart_id: str) -> Cart:
        """Take the voucher off again."""
        await self._open(caller, cart_id)
        return await self._keep(caller, cart_id, "")

    async def standing(self, caller: Caller, cart: Cart) -> Standing | None:
        """Tell how a cart's voucher stands now; None without one."""
        if not cart.voucher_code:
            return None
        try:
            voucher = await self._vouchers.evaluate(cart.voucher_code, _purchase(caller, cart))
        except ConflictError as refusal:
            return Standing(cart.voucher_code, refusal=refusal)
        return Standing(cart.voucher_code, voucher)

    async def _keep(self, caller: Caller, cart_id: str, code: str) -> Cart:
        async with self.database.transaction() as session:
            if not await store.set_voucher(session, cart_id, code, self._clock.now()):
                raise CartClosedError
        return await self._open(caller, cart_id)

    async def _open(self, caller: Caller, cart_id: str) -> Cart:
        cart = await self._carts.get(caller, cart_id)
        if cart is None:
            raise NotFoundError("No such cart.", path=("id",))
        if cart.ordered:
            raise CartClosedError
        return cart


def _purchase(caller: Caller, cart: Cart) -> VoucherPurchase:
    return VoucherPurchase(goods=cart.subtotal, customer_id=cart.customer_id, email=caller.email or "")
