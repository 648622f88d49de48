"""How values of the catalogue are spelled in JSON columns, and what words a product is found by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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


def keywords(
    tags: Iterable[str], attributes: Iterable[Mapping[str, Sequence[str]]], skus: Iterable[str], type_name: str
) -> str:
    """Gather the words beyond name, brand and description that find a product."""
    values = (value for each in attributes for texts in each.values() for value in texts)
    return " ".join(dict.fromkeys((type_name, *tags, *values, *skus)))
