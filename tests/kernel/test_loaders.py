import asyncio
from collections.abc import Sequence

from kernel.loaders import MAX_BATCH, by_key, lists_by_key


async def test_what_is_asked_one_by_one_is_fetched_together_and_once():
    batches: list[list[int]] = []

    async def fetch(keys: Sequence[int]) -> dict[int, str]:
        batches.append(list(keys))
        return {key: f"v{key}" for key in keys if key != 3}

    loader = by_key(fetch)
    assert await asyncio.gather(*(loader.load(key) for key in (1, 2, 3, 1))) == ["v1", "v2", None, "v1"]
    assert await loader.load(2) == "v2"
    assert batches == [[1, 2, 3]]


async def test_lists_are_empty_where_nothing_is_found():
    async def fetch(keys: Sequence[str]) -> dict[str, list[int]]:
        return {"a": [1, 2]}

    loader = lists_by_key(fetch)
    assert await asyncio.gather(loader.load("a"), loader.load("b")) == [[1, 2], ()]


async def test_very_many_keys_are_fetched_in_portions():
    sizes: list[int] = []

    async def fetch(keys: Sequence[int]) -> dict[int, int]:
        sizes.append(len(keys))
        return {key: key for key in keys}

    loader = by_key(fetch)
    await asyncio.gather(*(loader.load(key) for key in range(MAX_BATCH + 1)))
    assert sizes == [MAX_BATCH, 1]
