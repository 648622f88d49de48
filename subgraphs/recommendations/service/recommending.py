"""Recommend from what was counted and learnt: one statement for all that ask alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InvalidInputError
from subgraphs.recommendations.domain.recommendation import Kind, Recommendation
from subgraphs.recommendations.storage import ranking, viewing
from subgraphs.recommendations.storage.viewing import Viewed

K = TypeVar("K")

MOST: Final = 50
"""How many recommendations can be asked for at once."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Recommendations that somebody asks for: for which product or person, how many, of which kind."""

    for_id: str
    first: int
    kind: Kind = Kind.BOUGHT_TOGETHER

    def __post_init__(self) -> None:
        _check(self.first)


@dataclass(frozen=True, slots=True)
class Recommending:
    """What goes with what, and with whom."""

    database: Database
    clock: Clock

    async def for_products(self, wishes: Sequence[Wish]) -> dict[Wish, Sequence[Recommendation]]:
        """Fulfil many wishes about products."""
        answers: dict[Wish, Sequence[Recommendation]] = {}
        async with self.database.session() as session:
            for (kind, first), alike in _grouped(wishes, lambda wish: (wish.kind, wish.first)).items():
                found = await ranking.beside(session, kind, _ids(alike), first)
                answers |= {wish: found.get(wish.for_id, ()) for wish in alike}
        return answers

    async def for_people(self, wishes: Sequence[Wish]) -> dict[Wish, Sequence[Recommendation]]:
        """Fulfil many wishes about people: users by their ids, guests by the tokens of their sessions."""
        answers: dict[Wish, Sequence[Recommendation]] = {}
        async with self.database.session() as session:
            for first, alike in _grouped(wishes, lambda wish: wish.first).items():
                found = await ranking.for_people(session, _ids(alike), first, self.clock.now())
                answers |= {wish: found.get(wish.for_id, ()) for wish in alike}
        return answers

    async def recently_viewed(self, wishes: Sequence[Wish]) -> dict[Wish, Sequence[Viewed]]:
        """Give what people looked at, the latest first."""
        answers: dict[Wish, Sequence[Viewed]] = {}
        async with self.database.session() as session:
            for first, alike in _grouped(wishes, lambda wish: wish.first).items():
                found = await viewing.recently_viewed(session, _ids(alike), first)
                answers |= {wish: found.get(wish.for_id, ()) for wish in alike}
        return answers

    async def best(self, kind: Kind, first: int, category_id: str | None = None) -> Sequence[Recommendation]:
        """Give what is popular or trending, in the whole shop or under a category.

        Raises:
            InvalidInputError: too many are asked for.
        """
        _check(first)
        async with self.database.session() as session:
            return await ranking.best(session, kind, first, category_id)


def _check(first: int) -> None:
    if not 1 <= first <= MOST:
        raise InvalidInputError(f"first must be from 1 to {MOST}.", path=("first",))


def _ids(wishes: Sequence[Wish]) -> list[str]:
    return [wish.for_id for wish in wishes]


def _grouped(wishes: Sequence[Wish], key: Callable[[Wish], K]) -> dict[K, list[Wish]]:
    groups: dict[K, list[Wish]] = defaultdict(list)
    for wish in wishes:
        groups[key(wish)].append(wish)
    return groups
