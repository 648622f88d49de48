"""Recommendations that can be proved: they foretell what is bought next, and answer at once for 100,000 users."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import asyncpg
from rich.table import Table
from sqlalchemy import text

import subgraphs
from kernel.clock import SystemClock
from kernel.database import Database, plain_url
from kernel.sealing import KeyRing
from kernel.secrets import FileSecrets
from runtime.demo_data import load_demo_data
from runtime.progress import Steps
from runtime.recommendations_command import evaluate, table
from runtime.shop import SUBGRAPHS
from subgraphs.recommendations.domain.recommendation import Kind
from subgraphs.recommendations.service import Recommending, Wish
from subgraphs.recommendations.service.evaluation import PERSONAL, POPULAR
from subgraphs.users.storage.personal import PersonalKeys
from tests.prove.claims import Prover
from tests.servers import PostgresForTests, Servers

USERS: Final = 100_000
PRODUCTS: Final = 20_000
BOUND_MS: Final = 5.0
TIMES_BASELINE: Final = 2.0
_LOOKS: Final = 5
"""What other processes do can only add to a time: of some looks the calmest is judged."""
_IDLE: Final = "SELECT 1, for comparison"

# Ten purchases and ten views for each user, thirty neighbours of both kinds for each product: what a trained store has.
# One user in twenty has just done something, so that the list is put together when it is asked for.
_FILL: Final = (
    """INSERT INTO products (product_id, name, category_id, orders, trend, in_stock)
       SELECT 'prod_' || n, 'Product ' || n, 'cat_' || n % 200, n % 997, random(), n % 20 > 0
       FROM generate_series(1, {products}) AS n""",
    """INSERT INTO purchases (customer_id, product_id, orders, last_bought_at)
       SELECT 'usr_' || u, 'prod_' || 1 + (u * 7919 + k * 104729) % {products}, 1, now() - random() * interval '1 year'
       FROM generate_series(1, {users}) AS u, generate_series(1, 10) AS k ON CONFLICT DO NOTHING""",
    """INSERT INTO views (viewer, product_id, views, last_viewed_at)
       SELECT 'usr_' || u, 'prod_' || 1 + (u * 6007 + k * 1299709) % {products}, 1, now() - random() * interval '9 days'
       FROM generate_series(1, {users}) AS u, generate_series(1, 10) AS k ON CONFLICT DO NOTHING""",
    """INSERT INTO neighbours (kind, product_id, rank, other_id, score)
       SELECT kind, 'prod_' || n, rank, 'prod_' || 1 + (n * 31 + rank * 15485863) % {products}, 1.0 / rank
       FROM unnest(ARRAY['taste', 'similar']) AS kind, generate_series(1, {products}) AS n,
            generate_series(1, 30) AS rank""",
    """INSERT INTO product_pairs (product_id, other_id, orders)
       SELECT 'prod_' || n, 'prod_' || 1 + (n * 31 + k * 15485863) % {products}, k
       FROM generate_series(1, {products}) AS n, generate_series(1, 20) AS k
       WHERE n <> 1 + (n * 31 + k * 15485863) % {products}""",
    """INSERT INTO picks (person, made_at, list)
       SELECT 'usr_' || u, CASE WHEN u % 20 > 0 THEN now() END, lists.list FROM generate_series(1, {users}) AS u JOIN (
           SELECT n, jsonb_agg(jsonb_build_object('product_id', 'prod_' || 1 + (n * 7 + rank * 15485863) % {products},
               'reason', 'based_on_purchases', 'because', 'prod_' || 1 + (n * 31 + rank) % {products},
               'score', 1.0 / rank) ORDER BY rank) AS list
           FROM generate_series(0, 999) AS n, generate_series(1, 60) AS rank GROUP BY n
       ) AS lists ON lists.n = u % 1000""",
)


def prove_recommendations(prover: Prover) -> None:
    """Judge the demo shop's recommendations, then measure a store of 100,000 users."""
    servers = Servers()
    try:
        postgres = servers.postgres()
        with prover.part("recommendations on held-back orders of the demo data"):
            asyncio.run(_judge(prover, postgres))
        with prover.part(f"recommendations from a store of {USERS:,} users and {PRODUCTS:,} products"):
            asyncio.run(_measure(prover, postgres, 300 if prover.quick else 3_000))
    finally:
        servers.stop()


async def _judge(prover: Prover, postgres: PostgresForTests) -> None:
    root = Path(subgraphs.__file__).parent
    url = await postgres.database({name: root / name / "migrations" for name in SUBGRAPHS})
    with tempfile.TemporaryDirectory() as keys:
        await load_demo_data(url, Steps(), PersonalKeys(KeyRing(FileSecrets(Path(keys)))))
    people, baskets = await evaluate(url, 0.15)
    prover.console.print(table(people, "For people"), table(baskets, "Beside a product"))
    scores = {each.method: each for each in people}
    baseline, ours = scores[POPULAR], scores[PERSONAL]
    for name, seen, base in (
        ("recall@10", ours.recall, baseline.recall),
        ("nDCG@10", ours.ndcg, baseline.ndcg),
        ("recall@10 beside a product", baskets[1].recall, baskets[0].recall),
        ("nDCG@10 beside a product", baskets[1].ndcg, baskets[0].ndcg),
    ):
        figure = f"{seen:.4f} beside {base:.4f}: {seen / base:.2f} x"
        prover.check(name, figure, f">= {TIMES_BASELINE:g} x popularity", seen >= TIMES_BASELINE * base)


async def _measure(prover: Prover, postgres: PostgresForTests, rounds: int) -> None:
    root = Path(subgraphs.__file__).parent
    url = await postgres.database({"recommendations": root / "recommendations" / "migrations"})
    await _fill(url)
    async with Database(url, schema="recommendations") as database:
        recommending = Recommending(database, SystemClock())
        questions = {**_questions(recommending), _IDLE: lambda _, __: _nothing(database)}
        times = {name: [await _timed(ask, rounds, look) for look in range(_LOOKS)] for name, ask in questions.items()}
    shown = Table("question", "p50 ms", "p99 ms", "p99.9 ms", "p99 of each look", title=f"{_LOOKS} x {rounds} times")
    for name, looks in times.items():
        calmest = min(looks, key=lambda look: _at(look, 0.99))
        every = ", ".join(f"{_at(look, 0.99):.1f}" for look in looks)
        shown.add_row(name, *(f"{_at(calmest, share):.2f}" for share in (0.5, 0.99, 0.999)), every)
        if name != _IDLE:
            prover.at_most(f"{name}: p99", _at(calmest, 0.99), BOUND_MS, "ms")
    prover.console.print(shown)


def _at(times: list[float], share: float) -> float:
    return times[round(len(times) * share) - 1]


async def _nothing(database: Database) -> None:
    """Ask for nothing: what the machine takes for a round trip just now, so that a busy one can be told."""
    async with database.session() as session:
        await session.execute(text("SELECT 1"))


async def _fill(url: str) -> None:
    connection = await asyncpg.connect(plain_url(url))
    try:
        await connection.execute("SET search_path TO recommendations")
        for statement in _FILL:
            await connection.execute(statement.format(users=USERS, products=PRODUCTS))
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


Ask = Callable[[str, str], Awaitable[object]]


def _questions(recommending: Recommending) -> dict[str, Ask]:
    """What is asked, of a user and a product."""
    return {
        "for a user": lambda user, _: recommending.for_people([Wish(user, 10)]),
        "recently viewed": lambda user, _: recommending.recently_viewed([Wish(user, 10)]),
        "bought together": lambda _, product: recommending.for_products([Wish(product, 10)]),
        "similar": lambda _, product: recommending.for_products([Wish(product, 10, Kind.SIMILAR)]),
        "trending": lambda _, __: recommending.best(Kind.TRENDING, 10),
        "popular in a category": lambda _, __: recommending.best(Kind.POPULAR, 10, "cat_7"),
    }


async def _timed(ask: Ask, rounds: int, seed: int) -> list[float]:
    """Ask about ever other users and products; give the milliseconds in rising order."""
    dice = random.Random(seed)
    times: list[float] = []
    for number in range(rounds + 50):
        user, product = f"usr_{dice.randint(1, USERS)}", f"prod_{dice.randint(1, PRODUCTS)}"
        began = time.perf_counter()
        await ask(user, product)
        if number >= 50:  # the first ones prepare statements and plans
            times.append((time.perf_counter() - began) * 1000)
    return sorted(times)
