"""Where the documents of automatic persisted queries are kept."""

from __future__ import annotations

from typing import Any

from router.http_settings import AutomaticQueriesSettings
from router.operations.automatic import MemoryStore, SharedStore, document_store


async def test_memory_forgets_what_was_unused_for_longest() -> None:
    store = MemoryStore(2)
    for name in ("a", "b"):
        await store.put(name, name)
    await store.get("a")
    await store.put("c", "c")

    assert [await store.get(name) for name in ("a", "b", "c")] == ["a", None, "c"]


async def test_routers_share_what_one_of_them_was_told(valkey: Any) -> None:
    settings = AutomaticQueriesSettings(redis=valkey.url, prefix=f"apq-{id(valkey)}:")
    one, other = document_store(settings), document_store(settings)

    await one.put("ab", "{ a }")

    assert await other.get("ab") == "{ a }"
    assert await other.get("cd") is None
    await one.close()
    await other.close()


async def test_without_its_store_a_router_goes_by_its_memory() -> None:
    store = SharedStore(MemoryStore(10), AutomaticQueriesSettings(redis="redis://127.0.0.1:1/0"))

    await store.put("ab", "{ a }")

    assert (await store.get("ab"), await store.get("cd")) == ("{ a }", None)
    await store.close()


async def test_memory_has_a_bound_in_characters_too() -> None:
    store = MemoryStore(1_000)
    for number in range(40):
        await store.put(str(number), "x" * 1_000_000)
    await store.put("39", "y")

    assert await store.get("0") is None
    assert await store.get("39") == "y"
    assert await store.get("38") is not None
