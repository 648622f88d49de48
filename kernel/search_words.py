"""How the words of a search are spelled wherever they are counted, so that a search and what came of it are one."""

from __future__ import annotations

from typing import Final

MOST: Final = 100
_MOST_DIGITS: Final = 6


def search_words(text: str) -> str:
    """Spell a search as it is compared: small letters, single spaces, bounded.

    What looks like an address or a number of somebody's becomes nothing, and is not to be noted; nor are characters
    that nobody types, of which a database takes not all.
    """
    typed = (char if char.isprintable() else " " for char in text[: 10 * MOST].lower())
    words = " ".join("".join(typed).split())[:MOST]
    return "" if "@" in words or sum(char.isdigit() for char in words) > _MOST_DIGITS else words
