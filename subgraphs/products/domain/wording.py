"""What is said about a thing in words, in the shop's own language and in others.

A translation may be incomplete: what it lacks is said in the next best language, field by field, from the exact one
("de-AT") over the general one ("de") to the shop's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from kernel.errors import InvalidInputError
from subgraphs.products.domain.text import clean_html, clean_line

MAX_LANGUAGES: Final = 50
MAX_SEO: Final = 320

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seo:
    """What search engines of the web are told; nothing, and they are told name and description."""

    title: str = ""
    description: str = ""


NO_SEO: Final = Seo()
"""Nothing is told them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The words of one language; empty ones are taken from the next best language."""

    name: str = ""
    description: str = ""
    seo: Seo = NO_SEO


Translations = Mapping[str, Wording]
"""Wordings by the tag of their language, such as `de` or `pt-BR`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """What has a name and words of its own, and perhaps in other languages."""

    name: str
    description: str = ""
    seo: Seo = NO_SEO
    translations: Translations = field(default_factory=dict[str, Wording])

    def said_in(self, language: str | None) -> Wording:
        """Say it in a language, as far as it was translated."""
        return said_in(language, Wording(name=self.name, description=self.description, seo=self.seo), self.translations)


W = TypeVar("W", bound=Worded)


def with_clean_words(worded: W) -> W:
    """Return a thing with its words cleaned.

    Raises:
        InvalidInputError: something of them cannot be accepted.
    """
    return replace(
        worded,
        name=clean_line(worded.name, field="name"),
        description=clean_html(worded.description),
        seo=check_seo(worded.seo),
        translations=check_translations(worded.translations),
    )


def check_language(tag: str) -> str:
    """Return the tag of a language when it has the shape that BCP 47 gives it.

    Raises:
        InvalidInputError: it has not.
    """
    if _LANGUAGE.fullmatch(tag) is None:
        raise InvalidInputError("A language is named like de or pt-BR.", path=("language",))
    return tag


def check_seo(seo: Seo) -> Seo:
    """Return what search engines are told, as plain lines.

    Raises:
        InvalidInputError: it is too long.
    """
    return Seo(
        title=clean_line(seo.title, field="seo", optional=True),
        description=clean_line(seo.description, field="seo", optional=True, longest=MAX_SEO),
    )


def check_translations(translations: Translations) -> dict[str, Wording]:
    """Return the translations cleaned, without empty ones, in the order of their languages.

    Raises:
        InvalidInputError: there are too many, or one of them cannot be accepted.
    """
    if len(translations) > MAX_LANGUAGES:
        raise InvalidInputError(f"{MAX_LANGUAGES} languages at most.", path=("translations",))
    checked = {check_language(tag): _check_wording(wording) for tag, wording in sorted(translations.items())}
    return {tag: wording for tag, wording in checked.items() if wording != Wording()}


def said_in(language: str | None, own: Wording, translations: Translations) -> Wording:
    """Say it in a language, as far as it was translated."""
    if language is None or not translations:
        return own
    known = [wording for tag in _tags(language) if (wording := translations.get(tag)) is not None]
    ways = [*known, own]
    return Wording(
        name=next(filter(None, (each.name for each in ways)), ""),
        description=next(filter(None, (each.description for each in ways)), ""),
        seo=Seo(
            title=next(filter(None, (each.seo.title for each in ways)), ""),
            description=next(filter(None, (each.seo.description for each in ways)), ""),
        ),
    )


def text_in(language: str | None, own: str, others: Mapping[str, str]) -> str:
    """Give a text in a language, or in one that it is a kind of, or else in the shop's own."""
    return next((others[tag] for tag in _tags(language or "") if tag in others), own)


def _tags(language: str) -> Iterator[str]:
    """Name a language and what it is a kind of: `zh-Hant-TW`, `zh-Hant`, `zh`."""
    while language:
        yield language
        language = language.rpartition("-")[0]


def _check_wording(wording: Wording) -> Wording:
    return Wording(
        name=clean_line(wording.name, field="name", optional=True),
        description=clean_html(wording.description),
        seo=check_seo(wording.seo),
    )
