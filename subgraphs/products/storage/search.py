"""`ProductSearch` on PostgreSQL's full text: stemmed words and SKUs, the last word as a prefix, ranked.

Every word must be found. A word counts as found when its stem or its exact spelling is there, so "shirts" finds
"shirt" and "XL" is not mangled. Ranks are whole numbers, so that a page can continue after one exactly.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Integer, cast, func, literal, select
from sqlalchemy.dialects.postgresql import REGCONFIG, TSQUERY

from kernel.database import Database
from kernel.pagination import Slice, SortKey, apply_page, slice_rows
from subgraphs.products.domain.search import Audience, Hit, SearchRequest
from subgraphs.products.storage.catalogue import Statement
from subgraphs.products.storage.listing import condition, visible
from subgraphs.products.storage.tables import products

_MAX_TEXT: Final = 300
_MAX_WORDS: Final = 12
_NOT_IN_WORDS: Final = str.maketrans({"'": " ", "\\": " ", "\x00": " "})
_RANK_STEPS: Final = 1_000_000


class PostgresSearch:
    """Finds products in the tables themselves, so an answer is never behind the catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, request: SearchRequest) -> Slice[Hit]:
        """Give one page; words that mean nothing find nothing."""
        query = _query(request.text)
        rank = cast(func.ts_rank_cd(products.c.search, query) * _RANK_STEPS, Integer)
        keys = (
            SortKey("rank", rank, int, descending=True),
            SortKey("id", products.c.id, str, descending=True),
        )
        statement: Statement = select(products.c.id, rank.label("rank")).where(*_conditions(request, query))
        async with self._database.session() as session:
            rows = (await session.execute(apply_page(statement, request.page, keys))).all()
        hits = [Hit(row.id, row.rank) for row in rows]
        return slice_rows(hits, request.page, keys, lambda hit: (hit.rank, hit.product_id))

    async def count(self, request: SearchRequest) -> int:
        """Tell how many products fit in all."""
        conditions = _conditions(request, _query(request.text))
        async with self._database.session() as session:
            statement = select(func.count()).select_from(products).where(*conditions)
            return (await session.execute(statement)).scalar_one()


def _conditions(request: SearchRequest, query: ColumnElement[str]) -> tuple[ColumnElement[bool], ...]:
    return products.c.search.bool_op("@@")(query), visible(Audience()), condition(request.where)


def _query(text: str) -> ColumnElement[str]:
    words = text[:_MAX_TEXT].translate(_NOT_IN_WORDS).split()[:_MAX_WORDS]
    quoted = " & ".join(f"'{word}'" for word in words)
    spelled = f"{quoted}:*" if words else ""
    return _parsed("english", spelled).op("||", return_type=TSQUERY())(_parsed("simple", spelled))


def _parsed(config: str, query: str) -> ColumnElement[str]:
    return func.to_tsquery(cast(literal(config), REGCONFIG), query, type_=TSQUERY())
