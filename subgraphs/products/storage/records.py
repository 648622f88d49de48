"""How values of the catalogue are spelled in JSON columns, and what words a product is found by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

import msgspec

from subgraphs.products.domain.attributes import AttributeDefinition


def definition_to_json(definition: AttributeDefinition) -> dict[str, Any]:
    """Spell an attribute's definition."""
    fields: dict[str, Any] = msgspec.to_builtins(definition)
    return fields


def definition_from_json(fields: Mapping[str, Any]) -> AttributeDefinition:
    """Read an attribute's definition."""
    return msgspec.convert(fields, AttributeDefinition)


def attributes_to_json(attributes: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Spell attribute values."""
    return {code: list(values) for code, values in attributes.items()}


def attributes_from_json(fields: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Read attribute values."""
    return {code: tuple(values) for code, values in fields.items()}


def options_to_json(options: Mapping[str, str]) -> list[list[str]]:
    """Spell the options of a variant as pairs, because PostgreSQL's objects forget their order."""
    return [[name, value] for name, value in options.items()]


def options_from_json(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Read the options of a variant."""
    return dict(pairs)


class Described(Protocol):
    """What a variant says about itself, as a row or as a value of the domain."""

    @property
    def sku(self) -> str: ...  # noqa: D102
    @property
    def options(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def attributes(self) -> Mapping[str, Sequence[str]]: ...  # noqa: D102


def keywords(
    type_name: str, tags: Iterable[str], attributes: Mapping[str, Sequence[str]], variants: Iterable[Described]
) -> str:
    """Gather the words beyond name, brand and description that find a product."""
    words = [type_name, *tags, *chain.from_iterable(attributes.values())]
    for variant in variants:
        words += variant.options.values()
        words += chain.from_iterable(variant.attributes.values())
        words.append(variant.sku)
    return " ".join(dict.fromkeys(words))
