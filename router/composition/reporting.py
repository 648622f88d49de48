"""Collects what a stage finds, turning offsets into places, and words lists of subgraphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from router.composition.errors import CompositionError, Hint, Location
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import NOWHERE

T = TypeVar("T")

Site = tuple[SubgraphSchema, int]
"""A subgraph and an offset in its schema."""


@dataclass(slots=True)
class Report:
    """The errors and hints found so far."""

    errors: list[CompositionError] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)

    def error(self, code: str, message: str, sites: Iterable[Site] = ()) -> None:
        """Add an error."""
        self.errors.append(CompositionError(code, message, places(sites)))

    def hint(self, code: str, message: str, sites: Iterable[Site] = ()) -> None:
        """Add a hint."""
        self.hints.append(Hint(code, message, places(sites)))


def places(sites: Iterable[Site]) -> tuple[Location, ...]:
    """Return the places of sites that somebody wrote."""
    return tuple(subgraph.locate(at) for subgraph, at in sites if at != NOWHERE)


def subgraphs(names: Iterable[str]) -> str:
    """Word a list of subgraphs."""
    quoted = [f'"{name}"' for name in names]
    return ("subgraph " if len(quoted) == 1 else "subgraphs ") + listed(quoted)


def listed(items: list[str]) -> str:
    """Word a list: ``a, b and c``."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + f" and {items[-1]}" if items else ""


def by_wording(sources: Mapping[str, T], wording: Callable[[T], str]) -> str:
    """Word who says what: ``type "Int" in subgraph "a" and type "ID" in subgraph "b"``."""
    groups: dict[str, list[str]] = {}
    for name, source in sources.items():
        groups.setdefault(wording(source), []).append(name)
    return listed([f"{said} in {subgraphs(names)}" for said, names in groups.items()])
