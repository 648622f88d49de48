"""Slugs: the readable names that products, categories and collections have in addresses."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from kernel.errors import InvalidInputError

MAX_LENGTH: Final = 120

_SHAPE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_APOSTROPHES = re.compile(r"['\u2019`]")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "đ": "d", "ł": "l", "þ": "th", "œ": "oe"})


def slugify(text: str) -> str:
    """Make a slug of any text: `"Böhm's Café"` becomes `"bohms-cafe"`.

    Raises:
        InvalidInputError: nothing of the text can stand in a slug.
    """
    folded = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    plain = _APOSTROPHES.sub("", folded).encode("ascii", "ignore").decode()
    slug = _NOT_WORD.sub("-", plain).strip("-")[:MAX_LENGTH].rstrip("-")
    if not slug:
        raise InvalidInputError("The name holds no letter or digit to make a slug of.", path=("slug",))
    return slug


def check_slug(slug: str) -> str:
    """Return `slug` when it may be used in an address as it is.

    Raises:
        InvalidInputError: it holds anything but lower-case letters, digits and single hyphens.
    """
    if len(slug) > MAX_LENGTH or _SHAPE.fullmatch(slug) is None:
        raise InvalidInputError(
            f"A slug is made of lower-case letters, digits and single hyphens, {MAX_LENGTH} at most.",
            path=("slug",),
        )
    return slug
