"""Vouchers: codes that take something off a purchase, within limits that are counted exactly.

What a code takes off is a pure function of the basket, the buyer and the time; how often it may still be used is
counted where it is redeemed, in the transaction that redeems it. A code that does not count says why.

DomainError
└── ConflictError
    └── VoucherRefusedError     VOUCHER_UNKNOWN, VOUCHER_NOT_STARTED, VOUCHER_EXPIRED, VOUCHER_USED_UP,
                                VOUCHER_MINIMUM, VOUCHER_CURRENCY, VOUCHER_GOODS, VOUCHER_CUSTOMER,
                                VOUCHER_NOT_COMBINABLE
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.errors import ConflictError, InvalidInputError
from kernel.money import Money
from subgraphs.products.domain.prices.basket import Basket, ReductionKind
from subgraphs.products.domain.prices.promotions import check_minimums
from subgraphs.products.domain.prices.rewards import Reward
from subgraphs.products.domain.prices.selection import (
    ANYBODY,
    EVERYTHING,
    Clientele,
    Selection,
    Shopper,
    check_selection,
)

MOST_CODES: Final = 10_000
"""Codes that are made at once."""

MOST_AT_ONCE: Final = 5
"""Codes that count for one purchase."""

_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9_-]{2,39}")
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""What codes are drawn from: nothing that is taken for something else when it is read aloud or typed."""


class VoucherRefusedError(ConflictError):
    """The code is worth nothing for this purchase; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code, path=("code",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """A code with its reward, its conditions and its limits; None is no limit."""

    code: str
    name: str
    reward: Reward
    starts_at: datetime
    ends_at: datetime | None = None
    minimum: Money | None = None
    minimum_quantity: int | None = None
    usage_limit: int | None = None
    buyer_limit: int | None = None
    selection: Selection = EVERYTHING
    clientele: Clientele = ANYBODY
    stackable: bool = False
    """Whether it counts beside other vouchers."""
    full_price_only: bool = False
    """Whether it is for goods only that nothing else has reduced."""
    in_bulk: bool = False
    """Whether it is given out as many codes, each for one use; its own code is a name then."""

    def __post_init__(self) -> None:
        if self.ends_at is not None and self.starts_at >= self.ends_at:
            raise InvalidInputError("A voucher ends after it starts.", path=("endsAt",))
        for name, limit in (("usageLimit", self.usage_limit), ("buyerLimit", self.buyer_limit)):
            if limit is not None and limit < 1:
                raise InvalidInputError("A limit is at least one.", path=(name,))
        check_minimums([self.minimum] if self.minimum else [], self.minimum_quantity)
        check_selection(self.selection)

    def check_time(self, at: datetime) -> None:
        """Let an instant pass at which it counts.

        Raises:
            VoucherRefusedError: it does not count yet, or no longer.
        """
        if at < self.starts_at:
            raise VoucherRefusedError("VOUCHER_NOT_STARTED", "This voucher does not count yet.")
        if self.ends_at is not None and at >= self.ends_at:
            raise VoucherRefusedError("VOUCHER_EXPIRED", "This voucher has expired.")

    def check_uses(self, uses: int, of_buyer: int) -> None:
        """Let one more use pass.

        Raises:
            VoucherRefusedError: it was used as often as it may be.
        """
        if self.usage_limit is not None and uses >= self.usage_limit:
            raise VoucherRefusedError("VOUCHER_USED_UP", "This voucher has been used up.")
        if self.buyer_limit is not None and of_buyer >= self.buyer_limit:
            raise VoucherRefusedError("VOUCHER_USED_UP", "You have used this voucher already.")

    def apply(self, basket: Basket, shopper: Shopper, at: datetime, *, typed: str = "") -> Money:
        """Take off a basket what this is worth for it, under the code that the buyer has typed.

        Raises:
            VoucherRefusedError: it does not count now, or not for this buyer or these goods; nothing is taken off.
        """
        self.check_time(at)
        if not self.clientele.includes(shopper):
            raise VoucherRefusedError(
                "VOUCHER_CUSTOMER", "This voucher is for other customers; you may have to log in."
            )
        if not self.reward.counts_in(basket.currency):
            raise VoucherRefusedError("VOUCHER_CURRENCY", f"This voucher does not count in {basket.currency}.")
        meant = self._meant(basket)
        self._check_minimum(basket, meant)
        cuts, _ = basket.rewarded(self.reward, self.selection, meant, basket.left())
        if not cuts and any(basket.left()[sku] for sku in meant):
            raise VoucherRefusedError("VOUCHER_MINIMUM", "This voucher needs more pieces of the goods that it is for.")
        basket.reduce(cuts, ReductionKind.VOUCHER, typed or self.code, self.name)
        return Money(sum(cuts.values()), basket.currency)

    def _meant(self, basket: Basket) -> list[str]:
        """Give the lines that it is for, and those that it may give.

        Raises:
            VoucherRefusedError: there are none.
        """
        free = [each.sku for each in basket.lines() if not self.full_price_only or basket.untouched(each.sku)]
        if not basket.selected(self.selection, [each.sku for each in basket.lines()]):
            raise VoucherRefusedError("VOUCHER_GOODS", "This voucher is for other goods.")
        if not basket.selected(self.selection, free):
            raise VoucherRefusedError("VOUCHER_GOODS", "This voucher is for goods only that are not reduced.")
        return free

    def _check_minimum(self, basket: Basket, meant: list[str]) -> None:
        lines = basket.open(basket.selected(self.selection, meant), basket.left())
        if self.minimum_quantity and sum(each.quantity for each in lines) < self.minimum_quantity:
            raise VoucherRefusedError("VOUCHER_MINIMUM", f"This voucher counts from {self.minimum_quantity} pieces on.")
        if self.minimum is None:
            return
        if self.minimum.currency != basket.currency:
            raise VoucherRefusedError("VOUCHER_CURRENCY", f"This voucher does not count in {basket.currency}.")
        if Money.sum((each.left for each in lines), basket.currency) < self.minimum:
            raise VoucherRefusedError("VOUCHER_MINIMUM", f"This voucher counts from {self.minimum} on.")


def check_together(vouchers: Iterable[Voucher], added: Voucher) -> None:
    """Let a voucher count beside those that count already.

    Raises:
        VoucherRefusedError: it, or one of them, counts alone only.
    """
    counting = list(vouchers)
    if counting and not (added.stackable and all(each.stackable for each in counting)):
        raise VoucherRefusedError("VOUCHER_NOT_COMBINABLE", "This voucher does not count beside another one.")


def unknown_voucher() -> VoucherRefusedError:
    """Make the refusal of a code that nobody gave out."""
    return VoucherRefusedError("VOUCHER_UNKNOWN", "There is no such voucher.")


def normal_code(text: str) -> str:
    """Give a code as it is stored, however it was typed.

    Raises:
        VoucherRefusedError: no code looks like that.
    """
    code = text.strip().upper()
    if not _CODE.fullmatch(code):
        raise unknown_voucher()
    return code


def draw_codes(prefix: str, count: int) -> tuple[str, ...]:
    """Draw codes that nobody can guess: sixty bits each.

    Raises:
        InvalidInputError: too few or too many of them, or the prefix is too long.
    """
    if not 1 <= count <= MOST_CODES:
        raise InvalidInputError(f"From 1 to {MOST_CODES} codes are made at once.", path=("count",))
    start = normal_code(prefix) + "-"
    if len(start) > 24:
        raise InvalidInputError("The name of codes in bulk has 23 characters at most.", path=("code",))
    drawn: set[str] = set()
    while len(drawn) < count:
        drawn.add(start + "".join(secrets.choice(_LETTERS) for _ in range(12)))
    return tuple(sorted(drawn))


def buyer_mark(key: bytes, customer_id: str | None, email: str) -> str:
    """Tell buyers apart without keeping who they are: nobody without the key can try addresses against it."""
    return mark_of(key, customer_id or email.strip().lower())


def mark_of(key: bytes, who: str) -> str:
    """Give the mark of an id or of an address in its normal spelling."""
    return hmac.digest(key, who.encode(), "sha256").hex()
