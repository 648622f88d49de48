"""Typed attributes: what a product type lets its products and variants say about themselves.

A value is kept as canonical text, in a list because some kinds hold several; the definition tells how to read
it. So "1.50" and "1.5" kilograms are one value, and a filter compares what was meant, not what was typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Final

from kernel.errors import InvalidInputError
from subgraphs.products.domain.text import clean_html, clean_line
from subgraphs.products.domain.wording import check_language, text_in

Attributes = Mapping[str, tuple[str, ...]]
"""Attribute values by the code of their definition."""

_CODE = re.compile(r"[a-z][a-z0-9_]{0,49}")
_MAX_VALUES: Final = 20


class AttributeKind(Enum):
    """How the text of a value is to be read."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    CHOICE = "choice"
    CHOICES = "choices"
    RICH_TEXT = "rich_text"
    FILE = "file"
    REFERENCE = "reference"


class ReferenceTarget(Enum):
    """What a reference may name; the value is the prefix of its ids."""

    PRODUCT = "prod"
    CATEGORY = "cat"
    COLLECTION = "coll"
    BRAND = "brand"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeDefinition:
    """One attribute of a product type.

    `for_variants` tells whether each variant has its own value, `minimum` and `maximum` bound a number, and `labels`
    are the names of the attribute in other languages.
    """

    code: str
    label: str
    kind: AttributeKind
    unit: str | None = None
    choices: tuple[str, ...] = ()
    for_variants: bool = False
    required: bool = False
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    target: ReferenceTarget | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def searchable(self) -> bool:
        """Whether its values are words that somebody may look for."""
        return self.kind not in _NO_WORDS

    def label_in(self, language: str | None) -> str:
        """Name it in a language, or else in the shop's own."""
        return text_in(language, self.label, self.labels)


def check_definition(definition: AttributeDefinition) -> AttributeDefinition:
    """Return the definition when it can be used.

    Raises:
        InvalidInputError: its code has the wrong shape, or choices and kind do not fit together.
    """
    if _CODE.fullmatch(definition.code) is None:
        raise InvalidInputError("An attribute's code is lower-case letters, digits and underscores.", path=("code",))
    clean_line(definition.label, field="label")
    chooses = definition.kind in (AttributeKind.CHOICE, AttributeKind.CHOICES)
    if chooses != bool(definition.choices):
        raise InvalidInputError("Choices belong to attributes that choose, and only to them.", path=("choices",))
    if len(set(definition.choices)) != len(definition.choices):
        raise InvalidInputError("A choice is named twice.", path=("choices",))
    if (definition.kind is AttributeKind.REFERENCE) != (definition.target is not None):
        raise InvalidInputError("References say what they refer to, and only they.", path=("target",))
    _check_numbers(definition)
    for tag, label in definition.labels.items():
        check_language(tag)
        clean_line(label, field="labels")
    return definition


def _check_numbers(definition: AttributeDefinition) -> None:
    lowest, highest = definition.minimum, definition.maximum
    if definition.kind is not AttributeKind.NUMBER and (definition.unit, lowest, highest) != (None, None, None):
        raise InvalidInputError("Units and bounds belong to numbers.", path=("unit",))
    if lowest is not None and highest is not None and lowest > highest:
        raise InvalidInputError("The least value is above the greatest.", path=("minimum",))


def references(
    definitions: Iterable[AttributeDefinition], attributes: Iterable[Attributes]
) -> dict[ReferenceTarget | None, set[str]]:
    """Gather the ids that values of references (by their target) and of files (under None) name."""
    named: dict[ReferenceTarget | None, set[str]] = {}
    kinds = {each.code: each for each in definitions if each.kind in (AttributeKind.FILE, AttributeKind.REFERENCE)}
    for values in attributes:
        for code in kinds.keys() & values.keys():
            named.setdefault(kinds[code].target, set()).update(values[code])
    return named


def check_attributes(
    definitions: Iterable[AttributeDefinition],
    values: Mapping[str, Iterable[str]],
    *,
    for_variant: bool,
) -> dict[str, tuple[str, ...]]:
    """Read the values of one product or variant into their canonical form, in the order of the definitions.

    Raises:
        InvalidInputError: an unknown attribute, a missing required one, or a value of the wrong kind.
    """
    known = {each.code: each for each in definitions if each.for_variants is for_variant}
    for code in values:
        if code not in known:
            raise InvalidInputError(f"The product type has no attribute {code[:50]!r} here.", path=("attributes",))
    checked = {code: _canonical(definition, values.get(code, ())) for code, definition in known.items()}
    return {code: canonical for code, canonical in checked.items() if canonical}


def _canonical(definition: AttributeDefinition, values: Iterable[str]) -> tuple[str, ...]:
    path = ("attributes", definition.code)
    read = tuple(dict.fromkeys(_READERS[definition.kind](definition, value) for value in values))
    if definition.required and not read:
        raise InvalidInputError(f"{definition.label} must be given.", path=path)
    if len(read) > (_MAX_VALUES if definition.kind in _SEVERAL else 1):
        raise InvalidInputError(f"{definition.label} holds too many values.", path=path)
    return read


def _refuse(definition: AttributeDefinition, expected: str) -> InvalidInputError:
    return InvalidInputError(f"{definition.label} must be {expected}.", path=("attributes", definition.code))


def _read_text(definition: AttributeDefinition, value: str) -> str:
    return clean_line(value, field=definition.code)


def _read_number(definition: AttributeDefinition, value: str) -> str:
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        raise _refuse(definition, "a number") from None
    if not number.is_finite() or not -20 < number.adjusted() < 20 or len(number.as_tuple().digits) > 28:
        raise _refuse(definition, "a number of ordinary size")
    lowest, highest = definition.minimum, definition.maximum
    if (lowest is not None and number < lowest) or (highest is not None and number > highest):
        raise _refuse(definition, f"between {lowest or 'anything'} and {highest or 'anything'}")
    return f"{number.normalize():f}" if number else "0"


def _read_boolean(definition: AttributeDefinition, value: str) -> str:
    folded = value.strip().lower()
    if folded not in ("true", "false"):
        raise _refuse(definition, "true or false")
    return folded


def _read_date(definition: AttributeDefinition, value: str) -> str:
    try:
        return date.fromisoformat(value.strip()).isoformat()
    except ValueError:
        raise _refuse(definition, "a date as YYYY-MM-DD") from None


def _read_choice(definition: AttributeDefinition, value: str) -> str:
    if value not in definition.choices:
        raise _refuse(definition, f"one of {', '.join(definition.choices)}")
    return value


def _read_rich_text(definition: AttributeDefinition, value: str) -> str:
    cleaned = clean_html(value, field=definition.code)
    if not cleaned:
        raise _refuse(definition, "text that is left when whatever could act is taken out")
    return cleaned


def _read_file(definition: AttributeDefinition, value: str) -> str:
    return _read_id(definition, "file", value)


def _read_reference(definition: AttributeDefinition, value: str) -> str:
    if definition.target is None:
        raise _refuse(definition, "left out")
    return _read_id(definition, definition.target.value, value)


def _read_id(definition: AttributeDefinition, prefix: str, value: str) -> str:
    if not value.startswith(f"{prefix}_") or len(value) > 100:
        raise _refuse(definition, f"an id that begins with {prefix}_")
    return value


_NO_WORDS: Final = frozenset({AttributeKind.RICH_TEXT, AttributeKind.FILE, AttributeKind.REFERENCE})
_SEVERAL: Final = frozenset({AttributeKind.CHOICES, AttributeKind.REFERENCE})

_READERS: Final[dict[AttributeKind, Callable[[AttributeDefinition, str], str]]] = {
    AttributeKind.TEXT: _read_text,
    AttributeKind.NUMBER: _read_number,
    AttributeKind.BOOLEAN: _read_boolean,
    AttributeKind.DATE: _read_date,
    AttributeKind.CHOICE: _read_choice,
    AttributeKind.CHOICES: _read_choice,
    AttributeKind.RICH_TEXT: _read_rich_text,
    AttributeKind.FILE: _read_file,
    AttributeKind.REFERENCE: _read_reference,
}
