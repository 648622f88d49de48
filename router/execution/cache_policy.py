"""For how long, and by whom, an answer may be kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_FOREVER: Final = 31_536_000
_REMEMBERED: Final = 512


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How an answer may be kept.

    Attributes:
        max_age: for how many seconds.
        private: whether only by whoever it was made for.
        no_store: whether not at all.
    """

    max_age: int = _FOREVER
    private: bool = False
    no_store: bool = False

    def and_also(self, other: CachePolicy) -> CachePolicy:
        """Return what holds for an answer that is made of two parts."""
        return CachePolicy(
            min(self.max_age, other.max_age), self.private or other.private, self.no_store or other.no_store
        )

    @property
    def header(self) -> str:
        """The value of a `Cache-Control` header."""
        if self.no_store:
            return "no-store"
        if self.max_age <= 0:
            return "private, no-cache"
        return f"max-age={self.max_age}, {'private' if self.private else 'public'}"


UNLIMITED: Final = CachePolicy()
UNKEPT: Final = CachePolicy(max_age=0, private=True, no_store=True)


@lru_cache(_REMEMBERED)
def read_cache_control(header: str, default_max_age: int) -> CachePolicy:
    """Read the `Cache-Control` header of a subgraph's answer."""
    words = [part.partition("=") for part in header.lower().split(",")]
    said = {name.strip(): value.strip().strip('"') for name, _, value in words}
    ages = [int(said[name]) for name in ("max-age", "s-maxage") if said.get(name, "").isdigit()]
    max_age = 0 if "no-cache" in said else min(ages, default=default_max_age)
    return CachePolicy(min(max_age, _FOREVER), "private" in said, "no-store" in said)
