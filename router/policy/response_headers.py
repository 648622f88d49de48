"""Which headers of the subgraphs' answers go on to the client, by the rules of the settings.

Several subgraphs take part in an answer; their headers are joined in the order of the plan, whichever answered first,
so that equal requests have equal headers. An answer to a query may be that of many clients who asked for the same at
one moment: a cookie goes on from mutations only, whose answers nobody shares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, TypeAlias

from router.execution.assembly import Assembling
from router.execution.compiler import Program
from router.execution.exchange import GraphQLResponse, Headers
from router.execution.transports.port import SubgraphResponse
from router.planner.plan import Fetch
from router.policy.header_rules import remover
from router.policy.header_settings import (
    AnswerHeaderRuleSettings,
    HeaderSettings,
    PropagateAnswerSettings,
    is_reserved_of_answers,
)

_COOKIE: Final = "set-cookie"

Merge: TypeAlias = Literal["first", "last", "append"]
Chosen: TypeAlias = dict[str, tuple[list[str], Merge]]
"""The headers of one answer that go on: their values, and how these are joined with those of others."""
Step: TypeAlias = Callable[[Headers, Chosen], None]
"""Chooses headers besides those chosen so far, or takes some of them away."""
Wanted: TypeAlias = Callable[[str], bool]
"""Tells of a header's name whether a rule may choose it."""


class ResponseHeaderRules:
    """Makes the headers of answers to clients.

    Args:
        settings: the rules.
        subgraphs: the names of all subgraphs.
    """

    def __init__(self, settings: HeaderSettings, subgraphs: Iterable[str]) -> None:
        own = {name: each.response for name, each in settings.subgraphs.items()}
        rules = {name: (*settings.all.response, *own.get(name, ())) for name in subgraphs}
        self._steps = {name: [*map(_step, each)] for name, each in rules.items() if each}
        propagated = (rule.propagate for each in rules.values() for rule in each)
        self._wanted = [_wanted(each) for each in propagated if each is not None]

    def wants(self, name: str) -> bool:
        """Tell of the lower-case name of a subgraph's header whether any rule may choose it."""
        return any(wanted(name) for wanted in self._wanted)

    def watching(self, program: Program, inner: Assembling) -> Assembling:
        """Return an assembly that does what another does, and gives its answer the headers that go on."""
        return _WatchingAssembly(self, program, inner)

    def chosen(self, fetch: Fetch, headers: Headers, *, alone: bool) -> Chosen:
        """Choose from the headers that came with a fetch; cookies only if nobody shares it."""
        chosen: Chosen = {}
        for step in self._steps.get(fetch.subgraph, ()):
            step(headers, chosen)
        if not alone:
            chosen.pop(_COOKIE, None)
        return chosen


def response_header_rules(settings: HeaderSettings, subgraphs: Iterable[str]) -> ResponseHeaderRules | None:
    """Return the rules of the settings; None where clients get none of the subgraphs' headers."""
    return ResponseHeaderRules(settings, subgraphs) if settings.has_answer_rules else None


class _WatchingAssembly:
    """Passes everything on, and keeps the headers that come along."""

    __slots__ = ("_came", "_inner", "_program", "_rules", "ask", "fail")

    def __init__(self, rules: ResponseHeaderRules, program: Program, inner: Assembling) -> None:
        self._rules = rules
        self._program = program
        self._inner = inner
        self._came: dict[int, Chosen] = {}
        self.ask = inner.ask
        self.fail = inner.fail

    def take(self, fetch: Fetch, response: SubgraphResponse) -> None:
        """Take in what a fetch brought."""
        alone = self._program.operations[fetch.id].kind == "mutation"
        self._came[fetch.id] = self._rules.chosen(fetch, response.headers, alone=alone)
        self._inner.take(fetch, response)

    def respond(self) -> GraphQLResponse:
        """Return the answer with its headers; the answer itself may be that of others too."""
        response = self._inner.respond()
        joined = _joined([self._came[each] for each in sorted(self._came)])
        return response.with_headers(joined) if joined else response


def _joined(answers: Sequence[Chosen]) -> tuple[tuple[bytes, bytes], ...]:
    found: dict[str, list[str]] = {}
    for chosen in answers:
        for name, (values, merge) in chosen.items():
            if merge == "append":
                before = found.setdefault(name, [])
                before += [value for value in values if value not in before]
            elif merge == "last" or name not in found:
                found[name] = values
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name in found for value in found[name])


def _wanted(rule: PropagateAnswerSettings) -> Wanted:
    if rule.named is not None:
        return rule.named.lower().__eq__
    matches = re.compile(rule.matching or "", re.IGNORECASE).fullmatch
    return lambda name: name != _COOKIE and not is_reserved_of_answers(name) and matches(name) is not None


def _step(rule: AnswerHeaderRuleSettings) -> Step:
    if rule.insert is not None:
        return _insert(rule.insert.name.lower(), rule.insert.value)
    if rule.remove is not None:
        return _remove(rule.remove.named, rule.remove.matching)
    chosen = rule.propagate
    assert chosen is not None  # noqa: S101 - a rule is one of three
    return _propagate(chosen)


def _propagate(rule: PropagateAnswerSettings) -> Step:
    wanted, merge = _wanted(rule), rule.merge
    rename = None if rule.rename is None else rule.rename.lower()
    default = None if rule.default is None or rule.named is None else (rename or rule.named.lower(), rule.default)

    def step(headers: Headers, chosen: Chosen) -> None:
        found: dict[str, list[str]] = {}
        for name, value in headers:
            if wanted(name):
                found.setdefault(rename or name, []).append(value)
        if not found and default is not None:
            found[default[0]] = [default[1]]
        chosen.update({name: (_of_one(values, merge), merge) for name, values in found.items()})

    return step


def _of_one(values: list[str], merge: Merge) -> list[str]:
    """Return what counts of the values that one answer has for a header."""
    if merge == "append":
        return values
    return values[:1] if merge == "first" else values[-1:]


def _insert(name: str, value: str) -> Step:
    def step(_headers: Headers, chosen: Chosen) -> None:
        chosen[name] = ([value], "last")

    return step


def _remove(named: str | None, pattern: str | None) -> Step:
    remove: Callable[[Chosen], None] = remover(named, pattern)
    return lambda _headers, chosen: remove(chosen)
