"""Vouchers: codes that take something off a whole purchase, within limits that are counted exactly.

What a code is worth is a pure function of the goods and the time; how often it may still be used is counted where it
is redeemed, in the transaction that redeems it.

DomainError
└── ConflictError
    └── VoucherRefusedError     VOUCHER_UNKNOWN, VOUCHER_NOT_STARTED, VOUCHER_EXPIRED, VOUCHER_USED_UP,
                                VOUCHER_MINIMUM, VOUCHER_CURRENCY
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.errors import ConflictError, InvalidInputError
from kernel.money import Money
from subgraphs.products.domain.pricing import PercentOff, Reward

_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9_-]{2,39}")


class VoucherRefusedError(ConflictError):
    """The code is worth nothing for this purchase; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code, path=("code",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """A code with its reward and its limits; None is no limit."""

    code: str
    name: str
    reward: Reward
    starts_at: datetime
    ends_at: datetime | None = None
    minimum: Money | None = None
    usage_limit: int | None = None
    buyer_limit: int | None = None

    def __post_init__(self) -> None:
        for name, limit in (("usageLimit", self.usage_limit), ("buyerLimit", self.buyer_limit)):
            if limit is not None and limit < 1:
                raise InvalidInputError("A limit is at least one.", path=(name,))

    def worth(self, goods: Money, at: datetime) -> Money:
        """What is taken off goods of this price, never more than they cost.

        Raises:
            VoucherRefusedError: it does not count now, or not for this purchase.
        """
        if at < self.starts_at:
            raise VoucherRefusedError("VOUCHER_NOT_STARTED", "This voucher does not count yet.")
        if self.ends_at is not None and at >= self.ends_at:
            raise VoucherRefusedError("VOUCHER_EXPIRED", "This voucher has expired.")
        if self.minimum is not None and self.minimum.currency == goods.currency and goods < self.minimum:
            raise VoucherRefusedError("VOUCHER_MINIMUM", f"This voucher counts from {self.minimum} on.")
        discount = self.reward.discount(goods)
        if not discount and not isinstance(self.reward, PercentOff):
            raise VoucherRefusedError("VOUCHER_CURRENCY", f"This voucher does not count in {goods.currency}.")
        return discount

    def check_uses(self, uses: int, of_buyer: int) -> None:
        """Let one more use pass.

        Raises:
            VoucherRefusedError: it was used as often as it may be.
        """
        if self.usage_limit is not None and uses >= self.usage_limit:
            raise VoucherRefusedError("VOUCHER_USED_UP", "This voucher has been used up.")
        if self.buyer_limit is not None and of_buyer >= self.buyer_limit:
            raise VoucherRefusedError("VOUCHER_USED_UP", "You have used this voucher already.")


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


def buyer_mark(customer_id: str | None, email: str) -> str:
    """Tell buyers apart without keeping who they are."""
    return hashlib.sha256((customer_id or email.strip().lower()).encode()).hexdigest()
