"""Learn from orders; recommend from what was learnt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database
from kernel.errors import InvalidInputError
from subgraphs.recommendations.domain.baskets import Basket
from subgraphs.recommendations.domain.recommendation import Kind, Recommendation, filled_up
from subgraphs.recommendations.storage import counting, ranking
from subgraphs.recommendations.storage.ranking import Ranked

K = TypeVar("K")

MOST: Final = 50
"""How many recommendations can be asked for at once."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Recommendations that somebody asks for: for which product or customer, how many, of which kind."""

    for_id: str
    first: int
    kind: Kind = Kind.BOUGHT_TOGETHER

    def __post_init__(self) -> None:
        _check(self.first)


@dataclass(frozen=True, slots=True)
class RecommendationsService:
    """What goes with what."""

    database: Database

    async def for_products(self, wishes: Sequence[Wish]) -> dict[Wish, Sequence[Recommendation]]:
        """Fulfil many wishes about products, filled up with what is popular; two statements for all that ask alike."""
        async with self.database.session() as session:
            answers: dict[Wish, Sequence[Recommendation]] = {}
            for (kind, first), alike in _grouped(wishes, lambda wish: (wish.kind, wish.first)).items():
                found = await self._pairs(session, kind, first, alike)
                popular = await ranking.popular(session, first * 2) if _short(found, alike, first) else []
                for wish in alike:
                    without = frozenset({wish.for_id})
                    answers[wish] = filled_up(found.get(wish.for_id, []), popular, first, without=without)
        return answers

    async def for_customers(self, wishes: Sequence[Wish]) -> dict[Wish, Sequence[Recommendation]]:
        """Fulfil many wishes about customers, filled up with what is popular and not theirs yet."""
        async with self.database.session() as session:
            answers: dict[Wish, Sequence[Recommendation]] = {}
            for first, alike in _grouped(wishes, lambda wish: wish.first).items():
                ids = [wish.for_id for wish in alike]
                found = await ranking.for_customers(session, ids, first)
                short = _short(found, alike, first)
                popular = await ranking.popular_for_customers(session, ids, first * 2) if short else {}
                for wish in alike:
                    rest = popular.get(wish.for_id, [])
                    answers[wish] = filled_up(found.get(wish.for_id, []), rest, first, without=frozenset())
        return answers

    async def popular(self, first: int) -> Sequence[Recommendation]:
        """Give what most orders hold.

        Raises:
            InvalidInputError: too many are asked for.
        """
        _check(first)
        async with self.database.session() as session:
            return await ranking.popular(session, first)

    async def learn(self, session: AsyncSession, basket: Basket) -> None:
        """Count a confirmed order, in the transaction that marks its event as done."""
        if basket.units:
            await counting.add_popularity(session, basket)
            await counting.add_pairs(session, basket)
            await counting.add_purchases(session, basket)

    async def show_product(self, session: AsyncSession, product_id: str, *, published: bool) -> None:
        """Show a product from now on, or never."""
        await (counting.unhide if published else counting.hide)(session, product_id)

    async def _pairs(self, session: AsyncSession, kind: Kind, first: int, alike: Sequence[Wish]) -> Ranked:
        if kind is Kind.POPULAR:
            return {}
        return await ranking.bought_together(session, [wish.for_id for wish in alike], first)


def _check(first: int) -> None:
    if not 1 <= first <= MOST:
        raise InvalidInputError(f"first must be from 1 to {MOST}.", path=("first",))


def _short(found: Ranked, wishes: Sequence[Wish], first: int) -> bool:
    return any(len(found.get(wish.for_id, ())) < first for wish in wishes)


def _grouped(wishes: Sequence[Wish], key: Callable[[Wish], K]) -> dict[K, list[Wish]]:
    groups: dict[K, list[Wish]] = defaultdict(list)
    for wish in wishes:
        groups[key(wish)].append(wish)
    return groups
