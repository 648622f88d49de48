"""Text that people write and other people's browsers show: bounded, without control characters, sanitised."""

from __future__ import annotations

import unicodedata
from typing import Final

import nh3

from kernel.errors import InvalidInputError

MAX_HTML: Final = 100_000
MAX_LINE: Final = 250

_TAGS: Final = {
    "a", "b", "blockquote", "br", "code", "em", "h2", "h3", "h4", "hr", "i", "li", "ol", "p", "pre", "small",
    "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_ATTRIBUTES: Final = {"a": {"href", "title"}}
_SCHEMES: Final = {"http", "https", "mailto"}


def clean_html(text: str, *, field: str = "description") -> str:
    """Keep the formatting of a text and drop whatever could act: scripts, styles, handlers, frames.

    Raises:
        InvalidInputError: the text is too long.
    """
    if len(text) > MAX_HTML:
        raise InvalidInputError(f"The text is longer than {MAX_HTML} characters.", path=(field,))
    return nh3.clean(text.replace("\x00", ""), tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES).strip()


def clean_line(text: str, *, field: str, optional: bool = False, longest: int = MAX_LINE) -> str:
    """Return one line of plain text without control characters and without spaces around it.

    Raises:
        InvalidInputError: it is too long, or empty where something must stand.
    """
    line = "".join(char for char in text if unicodedata.category(char) != "Cc").strip()
    if not line and not optional:
        raise InvalidInputError("This must not be empty.", path=(field,))
    if len(line) > longest:
        raise InvalidInputError(f"This is longer than {longest} characters.", path=(field,))
    return line
