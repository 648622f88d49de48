"""What all parts of the merge share: the subgraphs, the supergraph under construction, and where to report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from router.composition.merging.composed_directives import ComposedDirectives
from router.composition.reporting import Report, Site
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import Directive, Element, Kind, Schema, TypeDef
from router.sdl.values import EnumName, Value

E = TypeVar("E", bound=Element)

Sources = dict[int, E | None]
"""An element in each subgraph that has its parent, by the number of the subgraph; None where the subgraph lacks it."""


@dataclass(slots=True)
class EnumUse:
    """Where an enum is used: as the type of an input, of an output, or both; each with an example."""

    inputs: list[tuple[str, Site]] = field(default_factory=list)
    outputs: list[tuple[str, Site]] = field(default_factory=list)


@dataclass(slots=True)
class Merge:
    """The state of one merge."""

    subgraphs: list[SubgraphSchema]
    report: Report
    merged: Schema
    directives: ComposedDirectives
    graphs: list[EnumName] = field(default_factory=list)
    types: dict[str, dict[int, TypeDef]] = field(default_factory=dict)
    enum_uses: dict[str, EnumUse] = field(default_factory=dict)

    def sites(self, sources: Mapping[int, Element | None]) -> list[Site]:
        """Return where the sources stand."""
        return [(self.subgraphs[index], it.at) for index, it in sources.items() if it is not None]

    def named(self, sources: Mapping[int, E | None]) -> dict[str, E]:
        """Return the sources that are there, by name of their subgraph."""
        return {self.subgraphs[index].name: it for index, it in sources.items() if it is not None}

    def names(self, indexes: list[int]) -> list[str]:
        """Return the names of subgraphs."""
        return [self.subgraphs[index].name for index in indexes]

    def sources_of(self, dest: TypeDef) -> dict[int, TypeDef]:
        """Return the definitions of a type that have the kind it gets in the supergraph."""
        return {
            index: it
            for index, it in self.types.get(dest.name, {}).items()
            if self.subgraphs[index].merged_kind(it) is dest.kind
        }

    def is_interface_object(self, index: int, name: str) -> bool:
        """Tell whether a subgraph has an interface as an object."""
        found = self.subgraphs[index].schema.types.get(name)
        return found is not None and self.subgraphs[index].is_interface_object(found)

    def is_member(self, abstract: str, concrete: str) -> bool:
        """Tell whether a merged type implements an interface or belongs to a union."""
        parent, child = self.merged.types.get(abstract), self.merged.types.get(concrete)
        if parent is None or child is None:
            return False
        return concrete in parent.members or (parent.kind is Kind.INTERFACE and abstract in child.interfaces)


def join(name: str, /, **args: Value) -> Directive:
    """Return a directive of the join specification, without the arguments that are not given."""
    return Directive(f"join__{name}", {key: value for key, value in args.items() if value is not None})


def graph_names(names: list[str]) -> list[EnumName]:
    """Return the values of ``join__Graph`` for subgraphs: upper case, and numbered where two would be one."""
    sanitized = [_sanitized(name) for name in names]
    counts = {name: sanitized.count(name) for name in sanitized}
    seen: dict[str, int] = {}
    result: list[EnumName] = []
    for name in sanitized:
        seen[name] = seen.get(name, 0) + 1
        result.append(EnumName(f"{name}_{seen[name]}" if counts[name] > 1 else name))
    return result


def _sanitized(name: str) -> str:
    text = re.sub(r"[^0-9A-Za-z_]", "_", name)
    if text[:1].isdigit():
        text = "_" + text
    if re.search(r"_\d+$", text):
        text += "_"
    return text.upper()
