"""Entity calls that share one `_entities` field."""

from __future__ import annotations

from dataclasses import dataclass

from router.planner.plan import EntityCall, Fetch, Rename


@dataclass(frozen=True, slots=True)
class Batch:
    """The calls of a fetch whose representations go into one list: the same question about objects at several paths."""

    alias: str
    variable: str
    calls: tuple[EntityCall, ...]

    @property
    def renames(self) -> tuple[Rename, ...]:
        """The renames of what comes back, which are the same for all calls."""
        return self.calls[0].renames


def batches_of(fetch: Fetch) -> tuple[Batch, ...]:
    """Return the batches of a fetch; a root fetch has none."""
    groups: dict[str, list[EntityCall]] = {}
    for call in fetch.entities:
        groups.setdefault(call.alias, []).append(call)
    return tuple(Batch(alias, calls[0].variable, tuple(calls)) for alias, calls in groups.items())
