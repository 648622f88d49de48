"""`storegraph recommendations evaluate`: what is recommended, judged on orders that it was not learnt from."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import asyncpg
from rich.table import Table

from kernel.database import Database, plain_url
from kernel.migrations import upgrade
from runtime.errors import StartError
from runtime.progress import Steps
from runtime.store_database import store_database
from subgraphs.recommendations.app import MIGRATIONS
from subgraphs.recommendations.domain.evaluation import PastOrder, Score, Trial
from subgraphs.recommendations.service.evaluation import TRIAL_SCHEMA, judge

_HISTORY: Final = """
SELECT orders.confirmed_at, orders.customer_id, array_agg(DISTINCT line.product_id) AS products
FROM orders.orders JOIN orders.order_lines AS line ON line.order_id = orders.id
WHERE orders.confirmed_at IS NOT NULL GROUP BY orders.id ORDER BY orders.confirmed_at
"""
_END_TRIAL: Final = f"DROP SCHEMA IF EXISTS {TRIAL_SCHEMA} CASCADE"
_FEWEST: Final = 20


class NothingToJudgeError(StartError):
    """Too little has been bought."""


def run_evaluate(data_dir: Path, held_back: float) -> None:
    """Judge recommendations on the store's history and print the tables.

    Raises:
        NothingToJudgeError: too few customers have bought in both parts of the history.
    """
    with store_database(data_dir) as url:
        people, baskets = asyncio.run(evaluate(url, held_back))
    console = Steps().console
    console.print(table(people, "For people: what they bought next"))
    console.print(table(baskets, "Beside a product: what else was in the order"))


async def evaluate(url: str, held_back: float) -> tuple[list[Score], list[Score]]:
    """Hold a share of the store's orders back and judge; the trial leaves nothing behind."""
    connection = await asyncpg.connect(plain_url(url))
    try:
        rows = await connection.fetch(_HISTORY)
        orders = [PastOrder(row["confirmed_at"], row["customer_id"], tuple(row["products"])) for row in rows]
        trial = Trial.split(orders, held_back)
        if len(trial.wanted) < _FEWEST:
            raise NothingToJudgeError(f"Fewer than {_FEWEST} customers have bought something new after the split.")
        await connection.execute(_END_TRIAL)
        await upgrade(url, TRIAL_SCHEMA, MIGRATIONS)
        async with Database(url, schema=TRIAL_SCHEMA) as database:
            return await judge(database, trial)
    finally:
        await connection.execute(_END_TRIAL)
        await connection.close()


def table(scores: list[Score], title: str) -> Table:
    """Lay scores out, each beside the baseline, which is the first of them."""
    made = Table("method", "recall@10", "x baseline", "nDCG@10", "x baseline", "lists", title=title)
    baseline = scores[0]
    for score in scores:
        made.add_row(
            score.method,
            f"{score.recall:.4f}",
            f"{score.recall / baseline.recall:.2f}" if baseline.recall else "",
            f"{score.ndcg:.4f}",
            f"{score.ndcg / baseline.ndcg:.2f}" if baseline.ndcg else "",
            str(score.judged),
        )
    return made
