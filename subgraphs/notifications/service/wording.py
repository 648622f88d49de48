"""Puts a letter into words by its templates: a subject, a plain text and an HTML part.

Only the HTML templates escape what they are given. A fact that a template names and the letter lacks is an error,
so a template and its letter cannot drift apart unseen.
"""

from __future__ import annotations

from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from kernel.money import Money
from subgraphs.notifications.domain.letters import Letter
from subgraphs.notifications.domain.messages import Words

_DEFAULT_LANGUAGE: Final = "en"


class Wording:
    """All templates of the shop."""

    def __init__(self, *, shop: str, account_url: str = "") -> None:
        self._environment = Environment(
            loader=PackageLoader("subgraphs.notifications"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["money"] = _spoken_money
        self._shop = shop
        self._account_url = account_url

    def words(self, letter: Letter, *, name: str, language: str) -> Words:
        """Word a letter in somebody's language, or in English where there is no template in theirs."""
        facts = {**letter.facts, "name": name, "shop": self._shop, "account_url": self._account_url}
        return Words(
            subject=" ".join(self._render(letter, "subject.txt", language, facts).split()),
            text=self._render(letter, "txt", language, facts),
            html=self._render(letter, "html", language, facts),
        )

    def _render(self, letter: Letter, part: str, language: str, facts: dict[str, Any]) -> str:
        return self._template(f"{letter.topic}.{part}", language).render(facts)

    def _template(self, name: str, language: str) -> Template:
        folders = (language, language.partition("-")[0], _DEFAULT_LANGUAGE)
        return self._environment.select_template([f"{folder}/{name}" for folder in folders])


def _spoken_money(money: Money) -> str:
    return f"{money.amount} {money.currency}"
