"""Puts a letter into words by its templates: a subject, a plain text and an HTML part, each in many languages.

Only the HTML templates escape what they are given. A fact that a template names and the letter lacks is an error,
so a template and its letter cannot drift apart unseen. Templates run in Jinja2's sandbox, because the staff may replace
them; MJML was left, since its compilers (mrml) would have to run after the sandbox for each mail, for one layout.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import PackageLoader, StrictUndefined, Template, TemplateError, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kernel.cache import LRU
from kernel.errors import InvalidInputError
from kernel.money import Money
from subgraphs.notifications.domain.letters import Letter
from subgraphs.notifications.domain.messages import Topic, Words
from subgraphs.notifications.domain.samples import sample_of

DEFAULT_LANGUAGE: Final = "en"
LANGUAGES: Final = ("en", "de")
"""The languages that the shop writes of itself."""
_PARTS: Final = {"subject": "subject.txt", "text": "txt", "html": "html"}
_TEMPLATES: Final = Path(__file__).parents[1] / "templates"
_LONGEST_TEMPLATE: Final = 50_000
_KEPT: Final = 200


class Wording:
    """All templates of the shop."""

    def __init__(self, *, shop: str, account_url: str = "") -> None:
        self._environment = ImmutableSandboxedEnvironment(
            loader=PackageLoader("subgraphs.notifications"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["money"] = _spoken_money
        self._shop = shop
        self._account_url = account_url
        self._changed: LRU[tuple[str, str], Template] = LRU(_KEPT)

    def words(self, letter: Letter, *, name: str, language: str, overrides: dict[str, Words] | None = None) -> Words:
        """Word a letter in somebody's language, or in English where there is no template in theirs.

        Args:
            letter: what is to be told.
            name: how its reader is called.
            language: of the reader, such as `de-AT`.
            overrides: templates that stand in for those of the shop, by language.
        """
        facts = {**letter.facts, "name": name, "shop": self._shop, "account_url": self._account_url}
        known = overrides or {}
        chosen = next((each for each in languages_of(language) if each in known or _has(letter.topic, each)), "en")
        if chosen in known:
            return self._worded({part: self._compiled(part, getattr(known[chosen], part)) for part in _PARTS}, facts)
        names = {part: f"{chosen}/{letter.topic}.{ending}" for part, ending in _PARTS.items()}
        return self._worded({part: self._environment.get_template(each) for part, each in names.items()}, facts)

    def source(self, topic: Topic, language: str) -> Words:
        """Give the templates of the shop themselves, for whoever wants to change them."""
        chosen = next(each for each in languages_of(language) if _has(topic, each))
        subject, text, html = ((_TEMPLATES / chosen / f"{topic}.{ending}").read_text() for ending in _PARTS.values())
        return Words(subject, text, html)

    def preview(self, topic: Topic, language: str, templates: Words | None = None) -> Words:
        """Show a topic's words with invented facts, by these templates or by those of the shop.

        Raises:
            InvalidInputError: a template cannot be used, and why.
        """
        sample = sample_of(topic)
        overrides = None
        if templates is not None:
            for part in _PARTS:
                self._insist(part, getattr(templates, part))
            overrides = {language: templates}
        try:
            return self.words(sample, name=sample.name, language=language, overrides=overrides)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise InvalidInputError(f"The template does not work: {error}", path=("templates",)) from None

    def _insist(self, part: str, source: str) -> None:
        if not source.strip() or len(source) > _LONGEST_TEMPLATE:
            raise InvalidInputError("A template must hold something, and not too much.", path=(part,))
        try:
            self._compile(part, source)
        except TemplateError as error:
            raise InvalidInputError(f"The template cannot be read: {error}", path=(part,)) from None

    def _compiled(self, part: str, source: str) -> Template:
        template = self._changed.get((part, source))
        if template is None:
            template = self._compile(part, source)
            self._changed.put((part, source), template)
        return template

    def _compile(self, part: str, source: str) -> Template:
        environment = self._environment.overlay(autoescape=part == "html")
        return environment.from_string(source)

    @staticmethod
    def _worded(templates: dict[str, Template], facts: dict[str, Any]) -> Words:
        return Words(
            subject=" ".join(templates["subject"].render(facts).split()),
            text=templates["text"].render(facts),
            html=templates["html"].render(facts),
        )


def languages_of(language: str) -> tuple[str, ...]:
    """Give the languages that somebody is written to in, the best one first."""
    return (language, language.partition("-")[0], DEFAULT_LANGUAGE)


@cache
def _has(topic: Topic, language: str) -> bool:
    return language in LANGUAGES and (_TEMPLATES / language / f"{topic}.txt").exists()


def _spoken_money(money: Money) -> str:
    return f"{money.amount} {money.currency}"
