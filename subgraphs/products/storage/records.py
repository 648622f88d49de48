"""How values of the catalogue are spelled in JSON columns, and what words a product is found by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

import msgspec

from subgraphs.products.domain.attributes import AttributeDefinition
from subgraphs.products.domain.media import Media
from subgraphs.products.domain.search import ProductFilter
from subgraphs.products.domain.wording import Translations, Wording


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


def translations_to_json(translations: Translations) -> dict[str, Any]:
    """Spell wordings by their language."""
    fields: dict[str, Any] = msgspec.to_builtins(dict(translations))
    return fields


def translations_from_json(fields: Mapping[str, Any]) -> dict[str, Wording]:
    """Read wordings by their language."""
    return msgspec.convert(fields, dict[str, Wording]) if fields else {}


def media_to_json(media: Iterable[Media]) -> list[dict[str, Any]]:
    """Spell the pictures of a product."""
    fields: list[dict[str, Any]] = msgspec.to_builtins(tuple(media))
    return fields


def media_from_json(fields: Sequence[Mapping[str, Any]]) -> tuple[Media, ...]:
    """Read the pictures of a product."""
    return msgspec.convert(fields, tuple[Media, ...]) if fields else ()


def rule_to_json(rule: ProductFilter) -> dict[str, Any]:
    """Spell the rule of a collection, without what it does not say."""
    fields: dict[str, Any] = msgspec.to_builtins(rule)
    return fields


def rule_from_json(fields: Mapping[str, Any]) -> ProductFilter:
    """Read the rule of a collection."""
    return msgspec.convert(fields, ProductFilter)


class Described(Protocol):
    """What a variant says about itself, as a row or as a value of the domain."""

    @property
    def sku(self) -> str: ...  # noqa: D102
    @property
    def options(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def attributes(self) -> Mapping[str, Sequence[str]]: ...  # noqa: D102


def keywords(
    type_name: str,
    definitions: Iterable[AttributeDefinition],
    tags: Iterable[str],
    attributes: Mapping[str, Sequence[str]],
    variants: Iterable[Described],
) -> str:
    """Gather the words beyond name, brand and description that find a product."""
    wordless = {each.code for each in definitions if not each.searchable}

    def words_of(values: Mapping[str, Sequence[str]]) -> Iterable[str]:
        return chain.from_iterable(said for code, said in values.items() if code not in wordless)

    words = [type_name, *tags, *words_of(attributes)]
    for variant in variants:
        words += variant.options.values()
        words += words_of(variant.attributes)
        words.append(variant.sku)
    return " ".join(dict.fromkeys(words))
