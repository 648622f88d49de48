"""What every section of the settings has in common."""

from __future__ import annotations

import re

import msgspec


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the settings: immutable, and a misspelt key is an error."""


def is_pattern(text: str) -> bool:
    """Tell whether a text is a regular expression."""
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def demand(holds: bool, otherwise: str) -> None:
    """Refuse a setting.

    Raises:
        ValueError: it does not hold; the message is for the person who wrote the file.
    """
    if not holds:
        raise ValueError(otherwise)
