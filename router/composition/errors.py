"""What composition can answer when it does not answer a supergraph.

Problems of schemas are values, because there are many of them at once and they are the result that was asked for::

    CompositionError    a problem that forbids the supergraph, under one of the codes of router.composition.codes
    Hint                an inconsistency that is legal, under one of the codes of router.composition.hint_codes

Problems of the surroundings are exceptions::

    ComposeFailure
    ├── ConfigError         supergraph.yaml is not what it should be
    └── SchemaReadError     the schema of a subgraph cannot be had (file or url)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from router.composition.codes import advice_for
from router.composition.hint_codes import Level, level_of


class ComposeFailure(Exception):  # noqa: N818 - the root of a tree, never raised itself
    """Composition could not start."""


class ConfigError(ComposeFailure):
    """The configuration file cannot be used."""


class SchemaReadError(ComposeFailure):
    """The schema of a subgraph could not be read."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in the schema of a subgraph, counted from 1."""

    subgraph: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.subgraph}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class CompositionError:
    """A reason why there is no supergraph."""

    code: str
    message: str
    locations: tuple[Location, ...] = field(default=())

    @property
    def advice(self) -> str:
        """Say how problems of this code are mended."""
        return advice_for(self.code)

    def __str__(self) -> str:
        places = "".join(f"\n    at {place}" for place in self.locations)
        return f"{self.code}: {self.message}{places}\n    hint: {self.advice}"

    def as_json(self) -> dict[str, Any]:
        """Return the error as a JSON object."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.advice,
            "locations": [_place(it) for it in self.locations],
        }


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that deserves a look although it composes."""

    code: str
    message: str
    locations: tuple[Location, ...] = field(default=())

    @property
    def level(self) -> Level:
        """Say how much it matters."""
        return level_of(self.code)

    def __str__(self) -> str:
        places = "".join(f"\n    at {place}" for place in self.locations)
        return f"[{self.level.name}] {self.code}: {self.message}{places}"

    def as_json(self) -> dict[str, Any]:
        """Return the hint as a JSON object."""
        return {
            "code": self.code,
            "level": self.level.name,
            "message": self.message,
            "locations": [_place(it) for it in self.locations],
        }


def _place(location: Location) -> dict[str, Any]:
    return {"subgraph": location.subgraph, "line": location.line, "column": location.column}
