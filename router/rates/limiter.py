"""Rate limits as requests meet them: what a request takes under which keys, and what it is told.

A request is counted before it can share the answer of another, so that nobody asks for free by asking at the same time;
then it goes on as it would have.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from math import ceil
from typing import Any, Final, Protocol, TypeAlias

import structlog

from router.config import RouterSettings
from router.execution.documents import Document
from router.execution.errors import RequestError
from router.execution.exchange import GraphQLRequest, GraphQLResponse, Outcome
from router.execution.selections import fragment_of
from router.limits.costs import cost_rules
from router.limits.estimate import Amount, Estimator, SlicingError, value_of
from router.operations.resolver import StoredRequest
from router.policy.identity import ANONYMOUS, Identity
from router.rates.gcra import Charge, Charges, Rate, Standing
from router.rates.settings import RateRuleSettings, RateSettings
from router.rates.store import Store, rate_store
from router.supergraph import Supergraph
from router.traffic.calls import Awaiting, Begin, Call, Done, awaited

_LOG: Final = structlog.get_logger("router.rates")
_REMEMBERED: Final = 2_000
_CALLERS_REMEMBERED: Final = 200
_SECOND: Final = 1_000_000


Header: TypeAlias = tuple[bytes, bytes]


class RateLimitedError(RequestError):
    """Something is asked for too often."""

    code = "REQUEST_RATE_LIMITED"
    status = 429

    def __init__(self) -> None:
        super().__init__("Your request has been rate limited")


class RatesUnavailableError(RequestError):
    """Nobody can count now, and so nothing is allowed."""

    code = "RATE_LIMITS_UNAVAILABLE"
    status = 503

    def __init__(self) -> None:
        super().__init__("Rate limits cannot be counted now")


class Operation(Protocol):
    """An operation that was prepared."""

    @property
    def document(self) -> Document:
        """Its document."""
        ...


@dataclass(frozen=True, slots=True)
class Figures:
    """What rules want to know of an operation: its name, its root fields, and its cost where that is counted."""

    name: str | None = None
    fields: Mapping[str, int] | None = None
    cost: Amount = 1.0
    charges: dict[tuple[str | None, str | None, str], Charges] = field(default_factory=dict)
    """What it takes from those who asked for it lately, unless that depends on variables."""

    def remember(self, who: tuple[str | None, str | None, str], charges: Charges) -> None:
        """Keep what it takes from somebody."""
        if isinstance(self.cost, float):
            if len(self.charges) >= _CALLERS_REMEMBERED:
                self.charges.clear()
            self.charges[who] = charges

    def amount(self, rule: RateRuleSettings, variables: Mapping[str, Any]) -> float:
        """Return how much of what a rule counts the operation asks for."""
        if rule.operations and self.name not in rule.operations:
            return 0
        if rule.fields:
            return sum((self.fields or {}).get(name, 0) for name in rule.fields)
        if not rule.cost:
            return 1
        try:
            return value_of(self.cost, variables)
        except SlicingError:
            return 1


class RateLimiter:
    """Holds requests to the rules.

    Args:
        settings: the rules.
        store: counts.
        estimator: tells what operations cost; None if no rule asks.
    """

    def __init__(self, settings: RateSettings, store: Store, estimator: Estimator | None = None) -> None:
        self._rules = [(each, Rate.of(each.name, each.limit, each.seconds, each.burst)) for each in settings.rules]
        self._tells = settings.headers
        self._store = store
        self._estimator = estimator
        self._known: OrderedDict[tuple[str, str | None], Figures] = OrderedDict()

    async def aclose(self) -> None:
        """Let go of the store."""
        await self._store.close()

    def learn(self, request: GraphQLRequest, operation: Operation) -> None:
        """Work out what rules want to know of an operation."""
        figures = self._figures(operation.document, request.operation_name)
        self._known[request.query, request.operation_name] = figures
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def charges(self, request: GraphQLRequest, caller: Identity | None, address: str) -> Charges | None:
        """Return what a request takes of somebody at some address; None if its operation is not known yet."""
        figures = self._known.get((request.query, request.operation_name))
        return None if figures is None else self._charges(figures, request, caller or ANONYMOUS, address)

    def charges_of_invalid(self, request: GraphQLRequest, caller: Identity | None, address: str) -> Charges:
        """Return what a request takes whose operation is not valid."""
        return self._charges(Figures(), request, caller or ANONYMOUS, address)

    def _charges(self, figures: Figures, request: GraphQLRequest, caller: Identity, address: str) -> Charges:
        who = (caller.id, caller.client, address)
        charges = figures.charges.get(who)
        if charges is None:
            charges = Charges(
                Charge.of(f"{rate.name}:{_who(rule, caller, address)}", rate, amount)
                for rule, rate in self._rules
                if (amount := figures.amount(rule, request.variables or {}))
            )
            figures.remember(who, charges)
        if isinstance(request, StoredRequest):
            return Charges((*charges, *_budget(request, caller, address)))
        return charges

    async def admit(self, charges: Charges, run: Callable[[], Any]) -> GraphQLResponse:
        """Return what comes of something, or why it may not be; `run` returns an awaitable."""
        admission = Admission(self, charges)
        response = await awaited(partial(admission.start, lambda done: Awaiting(run(), done)))
        # The answer may be that of others too, who stand differently.
        return response.with_headers(admission.headers) if admission.headers else response

    async def insist(self, charges: Charges) -> None:
        """Let pass what keeps the rules.

        Raises:
            RateLimitedError: it does not.
            RatesUnavailableError: nobody knows.
        """
        if not charges:
            return
        told: asyncio.Future[Sequence[Standing] | None] = asyncio.get_running_loop().create_future()
        self._store.take(charges, lambda standings: None if told.done() else told.set_result(standings))
        standings = await told
        if standings is None:
            raise RatesUnavailableError
        if any(each.wait for each in standings):
            raise RateLimitedError

    def take(self, charges: Charges, told: Callable[[Sequence[Standing] | None], None]) -> None:
        """Take charges."""
        self._store.take(charges, told)

    def headers(self, charges: Charges, standings: Sequence[Standing]) -> tuple[Header, ...]:
        """Return how things stand, in headers."""
        if not self._tells or not charges:
            return ()
        told = [
            f'"{rate.name}";r={max(int((tolerance - level) / rate.interval), 0)};t={ceil(level / _SECOND)}'
            for (_, rate, _, tolerance), (_, level) in zip(charges, standings, strict=True)
        ]
        return (b"ratelimit-policy", charges.policies), (b"ratelimit", ", ".join(told).encode())

    def _figures(self, document: Document, name: str | None) -> Figures:
        operation = document.operation(name)
        fields: Counter[str] = Counter()
        _count_fields(operation.selection_set, document, fields)
        cost: Amount = 1.0
        if self._estimator is not None:
            try:
                cost = self._estimator.operation(operation, document.fragments)
            except SlicingError:
                cost = 1.0
        return Figures(operation.name.value if operation.name else None, dict(fields), cost)


class Admission:
    """A request that is counted: at once, or when the store has answered."""

    __slots__ = ("_begin", "_call", "_charges", "_done", "_limiter", "_refusal", "headers", "holds")

    def __init__(self, limiter: RateLimiter, charges: Charges) -> None:
        self._limiter = limiter
        self._charges = charges
        self.headers: tuple[Header, ...] = ()
        """How things stand, for the client's answer; complete when that comes."""
        self.holds = not charges
        """Whether what was asked for may begin by now."""
        self._refusal: GraphQLResponse | None = None
        self._begin: Begin[GraphQLResponse] | None = None
        self._done: Done[GraphQLResponse] | None = None
        self._call: Call | None = None
        if charges:
            limiter.take(charges, self._take)

    def start(self, begin: Begin[GraphQLResponse], done: Done[GraphQLResponse]) -> Call:
        """Begin something as soon as that is allowed."""
        if self.holds:
            return begin(done)
        self._begin, self._done = begin, done
        if self._refusal is not None:
            asyncio.get_running_loop().call_soon(self._deliver, self._refusal)
        return self

    def cancel(self) -> None:
        """Give it up; what was taken stays taken."""
        self._done = None
        if self._call is not None:
            self._call.cancel()

    def _take(self, standings: Sequence[Standing] | None) -> None:
        wait = 0
        if standings is not None:
            self.headers = self._limiter.headers(self._charges, standings)
            wait = max([each.wait for each in standings])
        if standings is None or wait:
            self._refuse(wait, RatesUnavailableError() if standings is None else RateLimitedError())
            return
        self.holds = True
        if self._begin is not None and self._done is not None:
            try:
                self._call = self._begin(self._deliver)
            except Exception as error:
                asyncio.get_running_loop().call_soon(self._deliver, error)

    def _refuse(self, wait: int, error: RequestError) -> None:
        if wait:
            self.headers = (*self.headers, (b"retry-after", b"%d" % ceil(wait / _SECOND)))
        self._refusal = GraphQLResponse(Outcome.REFUSED, errors=error.as_dicts(), status=error.status)
        if self._begin is not None:
            asyncio.get_running_loop().call_soon(self._deliver, self._refusal)

    def _deliver(self, result: GraphQLResponse | BaseException) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(result)


def _who(rule: RateRuleSettings, caller: Identity, address: str) -> str:
    if rule.per == "everybody":
        return ""
    known = {"user": caller.id, "client": caller.client}.get(rule.per)
    # Names are chosen by others, and must not look like another kind of key.
    return f"{rule.per}:{_short(known)}" if known else f"ip:{address}"


def _short(name: str) -> str:
    return name if len(name) <= 64 and name.isascii() else sha256(name.encode()).hexdigest()


def _budget(request: StoredRequest, caller: Identity, address: str) -> list[Charge]:
    """Return what a published operation takes of its own budget."""
    budget = None if request.operation is None else request.operation.budget
    if request.operation is None or budget is None or budget.requests is None:
        return []
    client = request.client or caller.client
    rate = Rate.of("operation", budget.requests, budget.seconds)
    who = f"client:{_short(client)}" if client else f"ip:{address}"
    return [Charge.of(f"operation:{_short(request.operation.id)}:{who}", rate, 1)]


def _count_fields(node: Any, document: Document, fields: Counter[str]) -> None:
    for each in node.selections:
        if each.kind == "field":
            fields[each.name.value] += 1
        else:
            _count_fields(fragment_of(each, document.fragments).selection_set, document, fields)


def rate_limiter(supergraph: Supergraph | None, settings: RouterSettings, *, budgets: bool) -> RateLimiter | None:
    """Return what holds requests to the rules of the settings, and to the budgets of published operations if any."""
    chosen = settings.rate_limits
    if not chosen.rules and not budgets:
        return None
    estimator = None
    if supergraph is not None and any(each.cost for each in chosen.rules):
        size = float(settings.demand_control.list_size)
        estimator = Estimator(cost_rules(supergraph), supergraph.roots, size)
    return RateLimiter(chosen, rate_store(chosen, settings.server.workers), estimator)
