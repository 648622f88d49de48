"""Reads `assortment.toml`: what the demo shop sells, before any product has been made of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TypePlan:
    """A product type: its own attribute and the axes in which its variants differ."""

    slug: str
    name: str
    materials: tuple[str, ...]
    care: str
    axes: tuple[str, ...]
    facts: tuple[str, ...]
    openings: tuple[str, ...]
    """First sentences of descriptions, with a place for the `{name}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfPlan:
    """A leaf of the category tree and how its products are made."""

    path: tuple[str, ...]
    type_slug: str
    nouns: tuple[str, ...]
    styles: tuple[str, ...]
    price: tuple[int, int]
    weight: tuple[int, int]
    count: int
    season: tuple[float, ...]
    goes_with: Mapping[str, float]

    @property
    def name(self) -> str:
        """The name of the shelf itself; no two shelves share one."""
        return self.path[-1]

    @property
    def department(self) -> str:
        """The root of its category path."""
        return self.path[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assortment:
    """Everything that the shop sells."""

    types: Mapping[str, TypePlan]
    options: Mapping[str, tuple[str, ...]]
    shelves: tuple[ShelfPlan, ...]


@cache
def read_assortment() -> Assortment:
    """Read the file that comes with this package."""
    plan = tomllib.loads(Path(__file__).with_name("assortment.toml").read_text())
    seasons = {name: tuple(map(float, months)) for name, months in plan["seasons"].items()}
    return Assortment(
        types={slug: _type(slug, fields, plan["openings"]) for slug, fields in plan["types"].items()},
        options={axis: tuple(values) for axis, values in plan["options"].items()},
        shelves=tuple(_shelf(fields, seasons) for fields in plan["shelves"]),
    )


def _type(slug: str, fields: dict[str, Any], openings: dict[str, list[str]]) -> TypePlan:
    return TypePlan(
        slug=slug,
        name=fields["name"],
        materials=tuple(fields["material"]),
        care=fields["care"],
        axes=tuple(fields["axes"]),
        facts=tuple(fields["facts"]),
        openings=tuple(openings[fields.get("openings", "goods")]),
    )


def _shelf(fields: dict[str, Any], seasons: Mapping[str, tuple[float, ...]]) -> ShelfPlan:
    return ShelfPlan(
        path=tuple(fields["path"].split(" > ")),
        type_slug=fields["type"],
        nouns=tuple(fields["nouns"]),
        styles=tuple(fields["styles"]),
        price=(fields["price"][0], fields["price"][1]),
        weight=(fields["weight"][0], fields["weight"][1]),
        count=fields["count"],
        season=seasons[fields["season"]],
        goes_with=dict(fields.get("goes_with", {})),
    )
