"""Pictures of a product, as the product knows them; their bytes are elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from kernel.errors import InvalidInputError
from subgraphs.products.domain.text import clean_line
from subgraphs.products.domain.wording import check_language, text_in

MAX_MEDIA: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A picture: what it shows in words, how large it is, and in which widths a worker has made it smaller."""

    id: str
    alt: str = ""
    alts: Mapping[str, str] = field(default_factory=dict[str, str])
    media_type: str
    width: int
    height: int
    widths: tuple[int, ...] = ()

    def alt_in(self, language: str | None) -> str:
        """Say in a language what it shows, or else in the shop's own."""
        return text_in(language, self.alt, self.alts)


def check_media(media: Iterable[Media]) -> tuple[Media, ...]:
    """Return the pictures of one product with clean texts.

    Raises:
        InvalidInputError: there are too many, or one stands there twice.
    """
    checked = tuple(
        replace(
            each,
            alt=clean_line(each.alt, field="alt", optional=True),
            alts={check_language(tag): clean_line(text, field="alt") for tag, text in each.alts.items()},
        )
        for each in media
    )
    if len(checked) > MAX_MEDIA:
        raise InvalidInputError(f"A product has {MAX_MEDIA} pictures at most.", path=("media",))
    if len({each.id for each in checked}) != len(checked):
        raise InvalidInputError("A picture stands there twice.", path=("media",))
    return checked
