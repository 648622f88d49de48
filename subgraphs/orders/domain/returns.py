"""Returns: goods on their way back, item by item, and what the buyer gets for them.

    REQUESTED -> APPROVED -> RECEIVED -> REFUNDED        REQUESTED -> REFUSED        REQUESTED, APPROVED -> CANCELLED

RECEIVED is short: a saga puts the goods back on the shelf and refunds them. What a piece is worth follows from its
line alone, so that returning a line piece by piece gives back what was paid for it, to the last minor unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.errors import InvalidInputError, NotFoundError
from kernel.money import Money
from kernel.transitions import Transitions
from subgraphs.orders.domain.errors import OrderNotReturnableError
from subgraphs.orders.domain.order import Order, OrderLine
from subgraphs.orders.domain.ports import ReturnLabel
from subgraphs.orders.domain.status import ORDER, OrderStatus

_LONGEST_REASON: Final = 500

ASSUMED_GRAMS: Final = 1000
"""What a parcel that comes back is taken to weigh; order lines keep no weights."""


class ReturnStatus(StrEnum):
    """Where a return stands."""

    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    RECEIVED = "RECEIVED"
    REFUNDED = "REFUNDED"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"


class ItemState(StrEnum):
    """What became of the pieces of a line that are sent back; what is missing is not refunded."""

    EXPECTED = "EXPECTED"
    SELLABLE = "SELLABLE"
    DAMAGED = "DAMAGED"
    MISSING = "MISSING"


RETURN: Final = Transitions(
    "The return",
    {
        ReturnStatus.REQUESTED: frozenset({ReturnStatus.APPROVED, ReturnStatus.REFUSED, ReturnStatus.CANCELLED}),
        ReturnStatus.APPROVED: frozenset({ReturnStatus.RECEIVED, ReturnStatus.CANCELLED}),
        ReturnStatus.RECEIVED: frozenset({ReturnStatus.REFUNDED}),
        ReturnStatus.REFUNDED: frozenset(),
        ReturnStatus.REFUSED: frozenset(),
        ReturnStatus.CANCELLED: frozenset(),
    },
)

_COUNT_FOR_NOTHING: Final = frozenset({ReturnStatus.REFUSED, ReturnStatus.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnLine:
    """Pieces of a line that are sent back."""

    line_id: str
    quantity: int
    state: ItemState = ItemState.EXPECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """Goods of one order on their way back."""

    id: str
    order_id: str
    status: ReturnStatus
    reason: str
    lines: tuple[ReturnLine, ...]
    refund: Money
    created_at: datetime
    answer: str = ""
    tracking_number: str | None = None
    label_url: str | None = None
    credit: Money | None = None
    """What of its worth has paid for other goods already, where it is one half of an exchange."""
    replacement_id: str | None = None
    """The order that brings those."""

    def to(self, status: ReturnStatus) -> Return:
        """The return in its next state.

        Raises:
            IllegalTransitionError: that may not follow; the error names what may.
        """
        return replace(self, status=RETURN.check(self.status, status))


def returnable(lines: Sequence[OrderLine], returns: Sequence[Return]) -> dict[str, int]:
    """Tell how many pieces of each line may still be sent back."""
    left = {line.id: line.quantity for line in lines}
    for each in returns:
        if each.status not in _COUNT_FOR_NOTHING:
            for line in each.lines:
                left[line.line_id] -= 0 if line.state is ItemState.MISSING else line.quantity
    return left


def check_request(
    order: Order, lines: Sequence[OrderLine], returns: Sequence[Return], wanted: Sequence[ReturnLine], reason: str
) -> None:
    """Let a wish to send something back pass.

    Raises:
        OrderNotReturnableError: the order has not left yet, or is not the buyer's any more.
        InvalidInputError: there is nothing in it, too much of a line, or too long a reason.
    """
    if not ORDER.allowed(order.status, OrderStatus.RETURNED):
        raise OrderNotReturnableError(order.status)
    if len(reason) > _LONGEST_REASON:
        raise InvalidInputError(f"A reason has {_LONGEST_REASON} characters at most.", path=("input", "reason"))
    left = returnable(lines, returns)
    if not wanted or len({line.line_id for line in wanted}) != len(wanted):
        raise InvalidInputError("Name each line that is sent back once.", path=("input", "lines"))
    for line in wanted:
        if line.line_id not in left:
            raise NotFoundError("The order has no such line.", path=("input", "lines", line.line_id[:64]))
        if not 1 <= line.quantity <= left[line.line_id]:
            message = f"From 1 to {left[line.line_id]} pieces of this line can be sent back."
            raise InvalidInputError(message, path=("input", "lines", line.line_id))


def approved(returned: Return, label: ReturnLabel | None) -> Return:
    """The return once the buyer may send it, with its label where a carrier makes one.

    Raises:
        IllegalTransitionError: it cannot be approved any more.
    """
    changed = returned.to(ReturnStatus.APPROVED)
    return changed if label is None else replace(changed, tracking_number=label.tracking_number, label_url=label.url)


def refund_of(lines: Sequence[OrderLine], earlier: Sequence[Return], received: Return) -> Money:
    """Tell what goes back to the buyer for what came: its worth, without what has paid for other goods already."""
    value = worth(lines, earlier, received)
    if received.credit is None:
        return value
    return max(value - received.credit, Money.zero(value.currency))


def receive(returned: Return, states: Mapping[str, ItemState]) -> Return:
    """The return once the goods are there, each line in the state in which it came.

    Raises:
        IllegalTransitionError: goods are not expected now.
        InvalidInputError: a line is not named, or is said to be still expected.
    """
    received = returned.to(ReturnStatus.RECEIVED)
    if set(states) != {line.line_id for line in returned.lines} or ItemState.EXPECTED in states.values():
        raise InvalidInputError("Say of each line of the return how it came.", path=("input", "lines"))
    return replace(received, lines=tuple(replace(line, state=states[line.line_id]) for line in returned.lines))


def worth(lines: Sequence[OrderLine], earlier: Sequence[Return], received: Return) -> Money:
    """Tell what the buyer gets for what came: of each line, the shares of the pieces after those refunded before."""
    known = {line.id: line for line in lines}
    total = Money.zero(lines[0].unit_price.currency)
    for each in received.lines:
        if each.state is ItemState.MISSING:
            continue
        before = sum(
            line.quantity
            for one in earlier
            if one.id != received.id and one.status in {ReturnStatus.RECEIVED, ReturnStatus.REFUNDED}
            for line in one.lines
            if line.line_id == each.line_id and line.state is not ItemState.MISSING
        )
        shares = known[each.line_id].total.gross.split(known[each.line_id].quantity)
        total += Money.sum(shares[before : before + each.quantity], total.currency)
    return total
