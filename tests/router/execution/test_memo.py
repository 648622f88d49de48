"""A memo makes each value once, forgets the least used, and remembers no failure."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from router.execution.memo import Memo


@pytest.fixture
def worker():
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def test_all_who_ask_meanwhile_wait_for_one_attempt(worker):
    memo, made = Memo(10, worker), []

    def maker():
        time.sleep(0.02)
        made.append(1)
        return "value"

    assert await asyncio.gather(*(memo.make("key", maker) for _ in range(5))) == ["value"] * 5
    assert await memo.make("key", maker) == memo.get("key") == "value"
    assert made == [1]


async def test_those_unused_for_longest_are_forgotten(worker):
    memo = Memo(2, worker)
    await memo.make("a", lambda: 1)
    await memo.make("b", lambda: 2)
    memo.get("a")
    await memo.make("c", lambda: 3)
    assert (memo.get("a"), memo.get("b"), memo.get("c"), len(memo)) == (1, None, 3, 2)


async def test_a_failure_is_not_remembered(worker):
    memo = Memo(2, worker)
    with pytest.raises(ZeroDivisionError):
        await memo.make("a", lambda: 1 // 0)
    assert await memo.make("a", lambda: 1) == 1


async def test_who_leaves_does_not_stop_the_attempt(worker):
    memo = Memo(2, worker)
    leaving = asyncio.create_task(memo.make("a", lambda: time.sleep(0.05) or 1))
    await asyncio.sleep(0.01)
    leaving.cancel()
    assert await memo.make("a", lambda: 2) == 1
