"""What lies on the shelves: goods received, corrected, counted, sent elsewhere, and how they may be sold.

Each function is one decision on an open book: all of it happens, or it raises and the book is as before.
"""

from __future__ import annotations

from kernel.errors import InvalidInputError
from subgraphs.inventory.domain.book import Book
from subgraphs.inventory.domain.resourcing import make_room
from subgraphs.inventory.domain.sourcing import SourcingStrategy
from subgraphs.inventory.domain.stock import MAX_ON_HAND, Level, Movement, MovementType, Policy

_LONGEST_REASON = 500


def move(book: Book, sku: str, warehouse_id: str, movement: Movement) -> Level:
    """Let one movement happen to a SKU in a warehouse.

    Raises:
        NotFoundError: there is no such warehouse.
        ConflictError: what would be taken is not there or promised to others.
    """
    book.expire({sku})
    return book.record(sku, warehouse_id, movement)


def adjustment(delta: int, reason: str) -> Movement:
    """Correct how many there are; a reason is due."""
    return Movement(type=MovementType.ADJUSTED, quantity=delta, reason=check_reason(reason))


def transfer(book: Book, sku: str, quantity: int, *, source: str, target: str, reference: str, reason: str) -> None:
    """Take goods from the shelf of one warehouse to that of another.

    Raises:
        ConflictError: what would be taken is not there or promised to others.
    """
    if source == target:
        raise InvalidInputError("Goods are transferred to another warehouse.", path=("toWarehouseId",))
    book.expire({sku})
    for warehouse_id, other, moved in ((source, target, -quantity), (target, source, quantity)):
        movement = Movement(
            type=MovementType.TRANSFERRED,
            quantity=moved,
            reference=reference,
            reason=reason,
            details={"counterpart": other},
        )
        book.record(sku, warehouse_id, movement)


def count(book: Book, strategy: SourcingStrategy, sku: str, warehouse_id: str, counted: int, *, reason: str) -> Level:
    """Write down how many were counted; promises that they do not cover are moved to other warehouses.

    Raises:
        ConflictError: more is promised than was counted and no other warehouse can take it over.
    """
    if not 0 <= counted <= MAX_ON_HAND:
        raise InvalidInputError("Nobody can count so many.", path=("counted",))
    book.expire({sku})
    level = book.level(sku, warehouse_id)
    excess = level.promised - counted - level.backorder_limit
    if excess > 0:
        make_room(book, strategy, sku, warehouse_id, excess, reason="Counted fewer than were promised")
    movement = Movement(
        type=MovementType.COUNTED,
        quantity=counted - level.on_hand,
        reason=reason,
        details={"counted": counted},
    )
    return book.record(sku, warehouse_id, movement)


def set_policy(book: Book, sku: str, warehouse_id: str, policy: Policy) -> Level:
    """Say how a SKU is sold from a warehouse.

    Raises:
        ConflictError: more back-orders than the new limit are promised already.
    """
    movement = Movement(type=MovementType.POLICY_SET, quantity=0, details=policy.details())
    return move(book, sku, warehouse_id, movement)


def check_reason(reason: str) -> str:
    """Read why stock is changed.

    Raises:
        InvalidInputError: nothing was said.
    """
    if not reason.strip():
        raise InvalidInputError("Say why the stock is corrected.", path=("reason",))
    return reason.strip()[:_LONGEST_REASON]
