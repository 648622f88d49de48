"""Use cases of vouchers: make them, say what one is worth for a purchase, and count its uses exactly."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.money import Money
from subgraphs.products.domain.vouchers import Voucher, buyer_mark, normal_code, unknown_voucher
from subgraphs.products.service.conflicts import told_as_domain_errors
from subgraphs.products.storage import vouchers as store


@dataclass(frozen=True, slots=True)
class Purchase:
    """For what and for whom a voucher is to count."""

    goods: Money
    customer_id: str | None
    email: str

    @property
    def buyer(self) -> str:
        """What tells this buyer from others."""
        return buyer_mark(self.customer_id, self.email)


async def create(database: Database, voucher: Voucher) -> None:
    """Give a voucher out.

    Raises:
        ConflictError: the code is taken.
    """
    with told_as_domain_errors():
        async with database.transaction() as session:
            await store.add(session, voucher)


async def end(database: Database, clock: Clock, code: str) -> Voucher:
    """Let a voucher count no longer.

    Raises:
        NotFoundError: there is no such voucher.
    """
    async with database.transaction() as session:
        ended = await store.end(session, normal_code(code), clock.now())
    if ended is None:
        raise NotFoundError("There is no such voucher.", path=("code",))
    return ended


async def evaluate(database: Database, clock: Clock, code: str, purchase: Purchase) -> tuple[Voucher, Money]:
    """Say what a code takes off a purchase; nothing is counted.

    Raises:
        VoucherRefusedError: it does not count for this purchase.
    """
    async with database.session() as session:
        found = await store.with_uses(session, normal_code(code), purchase.buyer)
    if found is None:
        raise unknown_voucher()
    voucher, uses, of_buyer = found
    voucher.check_uses(uses, of_buyer)
    return voucher, voucher.worth(purchase.goods, clock.now())


async def redeem(database: Database, clock: Clock, code: str, order_id: str, purchase: Purchase) -> None:
    """Count a use for an order; doing so again changes nothing, so it is its own idempotency key.

    Raises:
        VoucherRefusedError: it does not count, or was used as often as it may be.
    """
    async with database.transaction() as session:
        found = await store.with_uses(session, normal_code(code), purchase.buyer, lock=True)
        if found is None:
            raise unknown_voucher()
        if await store.is_used_for(session, order_id):
            return
        voucher, uses, of_buyer = found
        voucher.check_uses(uses, of_buyer)
        voucher.worth(purchase.goods, clock.now())
        await store.use(session, voucher.code, order_id, purchase.buyer, clock.now())


async def release(database: Database, order_id: str) -> None:
    """Uncount the use of an order that came to nothing."""
    async with database.transaction() as session:
        await store.give_back(session, order_id)
