"""Judges what is served: the same counting, training and ranking, in a schema of their own that only has the past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from kernel.database import Database, plain_url
from subgraphs.recommendations.domain.evaluation import CUT, PastOrder, Score, Trial
from subgraphs.recommendations.domain.recommendation import Kind
from subgraphs.recommendations.storage import bulk, ranking, training
from subgraphs.recommendations.storage.bulk import BoughtRow

TRIAL_SCHEMA: Final = "recommendations_trial"
POPULAR: Final = "popular (baseline)"
PERSONAL: Final = "personal"
TOGETHER: Final = "bought together"

_PRODUCTS: Final = f"""
INSERT INTO {TRIAL_SCHEMA}.products (product_id, name, category_id, features)
SELECT product_id, name, category_id, features FROM {bulk.SCHEMA}.products
"""  # noqa: S608 # our own names of two schemas
_AT_A_TIME: Final = 200


async def judge(database: Database, trial: Trial) -> tuple[list[Score], list[Score]]:
    """Learn the first part of a history in an empty trial schema; give the scores for people, and those for baskets."""
    await _learn(database, trial.learnt)
    return await _for_people(database, trial), await _for_baskets(database, trial)


async def _learn(database: Database, orders: Sequence[PastOrder]) -> None:
    connection = await asyncpg.connect(plain_url(database.url))
    try:
        await connection.execute(_PRODUCTS)
        rows = (
            BoughtRow(
                order_id=str(number),
                customer_id=order.customer_id,
                product_id=product,
                quantity=1,
                confirmed_at=order.at,
            )
            for number, order in enumerate(orders)
            for product in order.products
        )
        await bulk.copy(connection, bought=rows, schema=database.schema)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    async with database.transaction() as session:
        await training.train(session)


async def _for_people(database: Database, trial: Trial) -> list[Score]:
    """Judge lists for people beside what is popular, or trending, without what each of them has."""
    had: dict[str, set[str]] = {}
    for order in trial.learnt:
        had.setdefault(order.customer_id or "", set()).update(order.products)
    popular, trending = await _best(database, Kind.POPULAR), await _best(database, Kind.TRENDING)
    personal = await _personal(database, list(trial.wanted), trial.held_back[0].at)
    lists = {
        POPULAR: {each: _without(popular, had[each]) for each in trial.wanted},
        "trending": {each: _without(trending, had[each]) for each in trial.wanted},
        PERSONAL: personal,
    }
    return [_score(method, found, trial.wanted) for method, found in lists.items()]


async def _for_baskets(database: Database, trial: Trial) -> list[Score]:
    """Judge what is shown beside a product by what else was in the held-back orders that had it."""
    popular = await _best(database, Kind.POPULAR)
    beside: dict[str, list[str]] = {}
    products = sorted({product for product, _ in trial.companions})
    async with database.session() as session:
        for start in range(0, len(products), _AT_A_TIME):
            ids = products[start : start + _AT_A_TIME]
            found = await ranking.beside(session, Kind.BOUGHT_TOGETHER, ids, CUT)
            beside |= {each: [one.product_id for one in found.get(each, [])] for each in ids}
    pairs = trial.companions
    return [
        Score.of(POPULAR, [(_without(popular, {product}), others) for product, others in pairs]),
        Score.of(TOGETHER, [(beside[product], others) for product, others in pairs]),
    ]


async def _personal(database: Database, people: Sequence[str], now: datetime) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    async with database.session() as session:
        for start in range(0, len(people), _AT_A_TIME):
            found = await ranking.for_people(session, people[start : start + _AT_A_TIME], CUT, now)
            lists |= {each: [one.product_id for one in ranked] for each, ranked in found.items()}
    return lists


async def _best(database: Database, kind: Kind) -> list[str]:
    """Give the whole order of the shop, so that what somebody has can be left out of it."""
    async with database.session() as session:
        return [each.product_id for each in await ranking.best(session, kind, 10_000)]


def _without(ordered: Sequence[str], had: set[str]) -> list[str]:
    return [product for product in ordered if product not in had][:CUT]


def _score(method: str, found: Mapping[str, Sequence[str]], wanted: Mapping[str, frozenset[str]]) -> Score:
    return Score.of(method, [(found.get(each, ()), products) for each, products in wanted.items()])
