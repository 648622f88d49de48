"""Settings of the cache of what subgraphs answer."""

from __future__ import annotations

import msgspec

from router.sections import Section, demand


class SubgraphCacheSettings(Section, frozen=True):
    """What is kept of one subgraph's answers, where neither they nor the schema say so.

    Attributes:
        enabled: whether anything is kept.
        max_age: seconds that entities and root fields are kept; 0, and only what says so itself is.
        types: seconds for the objects of single types, by name, in place of `max_age`.
        private: types that are kept only for whom they were fetched.
    """

    enabled: bool = True
    max_age: int = 0
    types: dict[str, int] = msgspec.field(default_factory=dict)
    private: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(min(self.max_age, *self.types.values(), 0) >= 0, "seconds must not be negative")


class InvalidationSettings(Section, frozen=True):
    """The endpoint by which others say that something has changed.

    Attributes:
        key: what they must send as `Authorization`, at least 16 characters.
        path: where it is.
    """

    key: str
    path: str = "/invalidation"

    def __post_init__(self) -> None:
        """Refuse what could be guessed."""
        demand(len(self.key) >= 16, "key must have at least 16 characters")
        demand(self.path.startswith("/"), "path must begin with /")


class CacheSettings(Section, frozen=True):
    """The cache of entities and root fields that subgraphs have answered.

    Attributes:
        enabled: whether there is one.
        memory_bytes: what it may take in each process.
        redis: `redis://` address of a store that all routers share, and by which they tell each other what has changed.
        prefix: of the keys in that store.
        timeout: seconds that the store may take; then it is asked no more for a while.
        stale: seconds that an old answer may still be used while a new one is fetched.
        everywhere: what is kept of all subgraphs.
        subgraphs: what is kept of single ones, by name, in place of `everywhere`.
        invalidation: the endpoint for changes; by default there is none.
    """

    enabled: bool = False
    memory_bytes: int = 64 * 1024 * 1024
    redis: str | None = None
    prefix: str = "storegraph:cache:"
    timeout: float = 0.1
    stale: int = 0
    everywhere: SubgraphCacheSettings = msgspec.field(default_factory=SubgraphCacheSettings)
    subgraphs: dict[str, SubgraphCacheSettings] = msgspec.field(default_factory=dict)
    invalidation: InvalidationSettings | None = None

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.memory_bytes >= 0, "memory_bytes must not be negative")
        demand(self.stale >= 0, "stale must not be negative")
        demand(self.timeout > 0, "timeout must be more than 0")
