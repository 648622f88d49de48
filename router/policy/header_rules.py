"""Which headers each subgraph gets, made of the client's by the rules of the settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias, TypeVar

from router.execution.exchange import Headers
from router.policy.header_settings import RESERVED, HeaderRuleSettings, HeaderSettings

ClientHeaders: TypeAlias = Mapping[bytes, bytes]
T = TypeVar("T")

Made: TypeAlias = dict[str, str]
Step: TypeAlias = Callable[[ClientHeaders, Made], None]
"""Adds headers to those that were made so far, or takes some away."""


class HeaderRules:
    """Makes the headers of requests to subgraphs.

    Args:
        settings: the rules.
        subgraphs: the names of all subgraphs.
    """

    def __init__(self, settings: HeaderSettings, subgraphs: Iterable[str]) -> None:
        common = [*map(_forward, settings.forward), *map(_step, settings.all.request)]
        own = {name: [*map(_step, each.request)] for name, each in settings.subgraphs.items()}
        self._steps = {name: [*common, *own.get(name, ())] for name in subgraphs}

    def headers(self, client: ClientHeaders) -> Mapping[str, Headers]:
        """Return the headers that each subgraph gets."""
        found: dict[str, Headers] = {}
        for name, steps in self._steps.items():
            made: Made = {}
            for step in steps:
                step(client, made)
            found[name] = tuple(made.items())
        return found


def header_rules(settings: HeaderSettings, subgraphs: Iterable[str]) -> HeaderRules | None:
    """Return the rules of the settings; None where all subgraphs get the same few headers."""
    return HeaderRules(settings, subgraphs) if settings.has_rules else None


def _step(rule: HeaderRuleSettings) -> Step:
    if rule.insert is not None:
        return _insert(rule.insert.name.lower(), rule.insert.value)
    if rule.remove is not None:
        return _remove(rule.remove.named, rule.remove.matching)
    chosen = rule.propagate
    assert chosen is not None  # noqa: S101 - a rule is one of three
    if chosen.matching is not None:
        return _forward_matching(chosen.matching)
    return _forward(chosen.named or "", chosen.rename, chosen.default)


def _forward(name: str, rename: str | None = None, default: str | None = None) -> Step:
    key, target = name.lower().encode(), (rename or name).lower()

    def step(client: ClientHeaders, made: Made) -> None:
        value = client.get(key)
        if value is not None:
            made[target] = value.decode("latin-1")
        elif default is not None:
            made[target] = default

    return step


def _forward_matching(pattern: str) -> Step:
    matches = re.compile(pattern, re.IGNORECASE).fullmatch

    def step(client: ClientHeaders, made: Made) -> None:
        for key, value in client.items():
            name = key.decode("latin-1")
            if name not in RESERVED and matches(name):
                made[name] = value.decode("latin-1")

    return step


def _insert(name: str, value: str) -> Step:
    def step(_client: ClientHeaders, made: Made) -> None:
        made[name] = value

    return step


def remover(named: str | None, pattern: str | None) -> Callable[[dict[str, T]], None]:
    """Return what takes headers away, by the name of one or by a pattern for whole names."""
    matches = re.compile(re.escape(named) if named is not None else pattern or "", re.IGNORECASE).fullmatch

    def remove(made: dict[str, T]) -> None:
        for name in [each for each in made if matches(each)]:
            del made[name]

    return remove


def _remove(named: str | None, pattern: str | None) -> Step:
    remove: Callable[[Made], None] = remover(named, pattern)
    return lambda _client, made: remove(made)
