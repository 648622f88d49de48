"""The measures of recommendations, and a trial of two kinds of people who buy different things."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from math import log2

import pytest

from kernel.database import Database
from kernel.migrations import upgrade
from runtime.recommendations_command import table
from subgraphs.recommendations.app import MIGRATIONS
from subgraphs.recommendations.domain.evaluation import PastOrder, Trial, ndcg, recall
from subgraphs.recommendations.service.evaluation import PERSONAL, POPULAR, TRIAL_SCHEMA, judge

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def order(day, customer, *products):
    return PastOrder(BEGIN + timedelta(days=day), customer, products)


def test_measures_are_those_of_the_books():
    assert recall(["a", "x", "b"], {"a", "b", "c", "d"}) == 0.5
    assert ndcg(["x", "a"], {"a"}) == pytest.approx(1 / log2(3))
    assert ndcg(["a", "b"], {"a", "b"}) == 1
    assert recall([], {"a"}) == ndcg([], {"a"}) == 0


def test_a_history_is_split_in_time_and_only_what_is_new_to_a_person_is_wanted():
    trial = Trial.split(
        [
            order(3, "ada", "pegs", "tent"),
            order(0, "ada", "tent"),
            order(1, None, "pegs", "lamp"),
            order(2, "bob", "book"),
            order(4, "new", "tent"),
            order(5, "bob", "book"),
        ],
        0.5,
    )

    assert [each.at.day for each in trial.learnt] == [1, 2, 3]
    assert trial.wanted == {"ada": {"pegs"}}
    assert trial.companions == [("pegs", {"tent"}), ("tent", {"pegs"})]


async def test_a_trial_learns_what_kind_of_person_buys_what(make_database):
    url = await make_database("recommendations")
    await upgrade(url, TRIAL_SCHEMA, MIGRATIONS)
    dice = random.Random(5)
    shelves = [[f"{kind}{n}" for n in range(12)] for kind in ("tea", "bike")]
    orders = [
        order(day, f"usr_{person}", *dice.sample(shelves[person % 2], 2)) for day in range(12) for person in range(20)
    ]

    async with Database(url, schema=TRIAL_SCHEMA) as database:
        people, baskets = await judge(database, Trial.split(orders, 0.5))

    scores = {score.method: score for score in people}
    assert scores[PERSONAL].recall > 1.4 * scores[POPULAR].recall
    assert baskets[1].recall > 1.4 * baskets[0].recall
    assert table(people, "People").row_count == 3
