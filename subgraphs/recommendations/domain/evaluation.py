"""How well recommendations foretell what people bought next, judged on orders that training has not seen.

The history is split in time: what came last is held back. A person is judged by the products that they bought then and
not before; a list of `CUT` products is judged by how many of those it holds (recall) and how far up they stand (nDCG).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log2
from typing import Final, Self

CUT: Final = 10


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order of the past: when, whose, and which products."""

    at: datetime
    customer_id: str | None
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A history in two parts, and what is to be foretold."""

    learnt: Sequence[PastOrder]
    held_back: Sequence[PastOrder]
    wanted: Mapping[str, frozenset[str]]
    """What each known customer bought in the second part and not in the first."""
    companions: Sequence[tuple[str, frozenset[str]]]
    """A product of each held-back order, and what else was in it."""

    @classmethod
    def split(cls, orders: Sequence[PastOrder], share: float) -> Self:
        """Hold the latest share of the orders back."""
        ordered = sorted(orders, key=lambda order: order.at)
        border = round(len(ordered) * (1 - share))
        learnt, held_back = ordered[:border], ordered[border:]
        had, got = _bought(learnt), _bought(held_back)
        wanted = {each: frozenset(new - had[each]) for each, new in got.items() if each in had}
        known = {product for order in learnt for product in order.products}
        return cls(
            learnt=learnt,
            held_back=held_back,
            wanted={each: products for each, products in wanted.items() if products},
            companions=[
                (product, frozenset(order.products) - {product})
                for order in held_back
                if len(order.products) > 1
                for product in order.products
                if product in known
            ],
        )


@dataclass(frozen=True, slots=True)
class Score:
    """The means of both measures over all lists that were judged."""

    method: str
    recall: float
    ndcg: float
    judged: int

    @classmethod
    def of(cls, method: str, lists: Sequence[tuple[Sequence[str], Collection[str]]]) -> Self:
        """Judge lists, each beside what it should have held."""
        count = max(1, len(lists))
        return cls(
            method,
            sum(recall(found, wanted) for found, wanted in lists) / count,
            sum(ndcg(found, wanted) for found, wanted in lists) / count,
            len(lists),
        )


def recall(found: Sequence[str], wanted: Collection[str]) -> float:
    """Tell which share of what is wanted is in the list."""
    return sum(product in wanted for product in found[:CUT]) / len(wanted)


def ndcg(found: Sequence[str], wanted: Collection[str]) -> float:
    """Tell how near to the top of the list it is, beside the best list that there could be."""
    gained = sum(1 / log2(place + 2) for place, product in enumerate(found[:CUT]) if product in wanted)
    return gained / sum(1 / log2(place + 2) for place in range(min(CUT, len(wanted))))


def _bought(orders: Sequence[PastOrder]) -> dict[str, set[str]]:
    bought: dict[str, set[str]] = {}
    for order in orders:
        if order.customer_id is not None:
            bought.setdefault(order.customer_id, set()).update(order.products)
    return bought
