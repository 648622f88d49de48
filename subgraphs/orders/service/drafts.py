"""Draft orders: what the staff puts together for somebody, who then pays it as their own checkout."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events.catalogue import PostalAddress
from kernel.identity import Caller
from subgraphs.orders.domain.checkout import Checkout
from subgraphs.orders.service.carts import CartService
from subgraphs.orders.service.checkouts import CheckoutService


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody is to buy, as far as it is known."""

    currency: str
    email: str
    lines: tuple[tuple[str, int], ...]
    customer_id: str | None = None
    address: PostalAddress | None = None
    shipping_method_id: str | None = None
    voucher_code: str | None = None


class DraftService:
    """Puts drafts together from the steps that a buyer would take, under the same rules."""

    def __init__(self, carts: CartService, checkouts: CheckoutService) -> None:
        self._carts = carts
        self._checkouts = checkouts

    async def create(self, caller: Caller, draft: Draft) -> Checkout:
        """Make a checkout for somebody; whoever completes it pays it, and it holds its stock until then.

        Raises:
            DomainError: a step is refused as it would be for a buyer; what was made before it is cleared away later.
        """
        cart = await self._carts.create(caller, draft.currency, draft.customer_id)
        await self._carts.add_lines(caller, cart.id, list(draft.lines))
        checkout = await self._checkouts.create(caller, cart.id, draft.email)
        if draft.address is not None:
            checkout = await self._checkouts.set_address(caller, checkout.id, draft.address)
        if draft.shipping_method_id is not None:
            checkout = await self._checkouts.set_shipping_method(caller, checkout.id, draft.shipping_method_id)
        if draft.voucher_code is not None:
            checkout = await self._checkouts.apply_voucher(caller, checkout.id, draft.voucher_code)
        return checkout
