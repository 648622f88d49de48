"""What every section of the settings has in common."""

from __future__ import annotations

import msgspec


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the settings: immutable, and a misspelt key is an error."""


def demand(holds: bool, otherwise: str) -> None:
    """Refuse a setting.

    Raises:
        ValueError: it does not hold; the message is for the person who wrote the file.
    """
    if not holds:
        raise ValueError(otherwise)
