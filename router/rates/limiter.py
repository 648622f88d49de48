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
from typing import Any, Final, Protocol

import structlog

from router.config import RouterSettings
from router.execution.documents import Document
from router.execution.errors import RequestError
from router.execution.exchange import GraphQLRequest, GraphQLResponse, Outcome, RequestContext
from router.execution.selections import fragment_of
from router.limits.costs import cost_rules
from router.limits.estimate import Amount, Estimator, SlicingError, value_of
from router.operations.resolver import StoredRequest
from router.policy.identity import ANONYMOUS, Identity
from router.rates.gcra import Charge, Rate, Standing
from router.rates.settings import RateRuleSettings, RateSettings
from router.rates.store import Store, rate_store
from router.supergraph import Supergraph
from router.traffic.calls import Awaiting, Begin, Call, Done, awaited

_LOG: Final = structlog.get_logger("router.rates")
_REMEMBERED: Final = 2_000
_CALLERS_REMEMBERED: Final = 200
_SECOND: Final = 1_000_000


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
    charges: dict[tuple[str | None, str | None, str], tuple[Charge, ...]] = field(default_factory=dict)
    """What it takes from those who asked for it lately, unless that depends on variables."""

    def remember(self, who: tuple[str | None, str | None, str], charges: tuple[Charge, ...]) -> None:
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

    def charges(self, request: GraphQLRequest, context: RequestContext) -> tuple[Charge, ...] | None:
        """Return what a request takes; None if its operation is not known yet."""
        figures = self._known.get((request.query, request.operation_name))
        return None if figures is None else self._charges(figures, request, context)

    def charges_of_invalid(self, request: GraphQLRequest, context: RequestContext) -> tuple[Charge, ...]:
        """Return what a request takes whose operation is not valid."""
        return self._charges(Figures(), request, context)

    def _charges(self, figures: Figures, request: GraphQLRequest, context: RequestContext) -> tuple[Charge, ...]:
        caller = context.value if isinstance(context.value, Identity) else ANONYMOUS
        who = (caller.id, caller.client, context.address)
        charges = figures.charges.get(who)
        if charges is None:
            charges = tuple(
                Charge.of(f"{rate.name}:{_who(rule, caller, context.address)}", rate, amount)
                for rule, rate in self._rules
                if (amount := figures.amount(rule, request.variables or {}))
            )
            figures.remember(who, charges)
        if isinstance(request, StoredRequest):
            return (*charges, *_budget(request, caller, context.address))
        return charges

    def admitting(self, charges: Sequence[Charge], begin: Begin[GraphQLResponse]) -> Begin[GraphQLResponse]:
        """Return what begins something once its charges were taken."""
        return partial(_Admission, self, charges, begin) if charges else begin

    async def admit(self, charges: Sequence[Charge], run: Callable[[], Any]) -> GraphQLResponse:
        """Return what comes of something, or why it may not be; `run` returns an awaitable."""
        return await awaited(self.admitting(charges, lambda done: Awaiting(run(), done)))

    async def insist(self, charges: Sequence[Charge]) -> None:
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

    def take(self, charges: Sequence[Charge], told: Callable[[Sequence[Standing] | None], None]) -> None:
        """Take charges."""
        self._store.take(charges, told)

    def headers(self, charges: Sequence[Charge], standings: Sequence[Standing]) -> tuple[tuple[bytes, bytes], ...]:
        """Return how things stand, in headers."""
        if not self._tells:
            return ()
        pairs = zip(charges, standings, strict=True)
        policies = ", ".join([each.rate.policy for each in charges])
        limits = ", ".join([f'"{each.rate.name}";r={_remaining(each, how)};t={_reset(how)}' for each, how in pairs])
        return (b"ratelimit-policy", policies.encode()), (b"ratelimit", limits.encode())

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


class _Admission:
    """A request that waits for its charges, and then for its answer."""

    __slots__ = ("_begin", "_call", "_charges", "_done", "_headers", "_limiter")

    def __init__(
        self,
        limiter: RateLimiter,
        charges: Sequence[Charge],
        begin: Begin[GraphQLResponse],
        done: Done[GraphQLResponse],
    ) -> None:
        self._limiter = limiter
        self._charges = charges
        self._begin = begin
        self._done: Done[GraphQLResponse] | None = done
        self._headers: tuple[tuple[bytes, bytes], ...] = ()
        self._call: Call | None = None
        limiter.take(charges, self._take)

    def cancel(self) -> None:
        """Give it up; what was taken stays taken."""
        self._done = None
        if self._call is not None:
            self._call.cancel()

    def _take(self, standings: Sequence[Standing] | None) -> None:
        if self._done is None:
            return
        if standings is not None:
            self._headers = self._limiter.headers(self._charges, standings)
            wait = max(each.wait for each in standings)
            if not wait:
                self._go_on()
                return
            self._headers = (*self._headers, (b"retry-after", b"%d" % ceil(wait / _SECOND)))
        error = RatesUnavailableError() if standings is None else RateLimitedError()
        refusal = GraphQLResponse(Outcome.REFUSED, errors=error.as_dicts(), status=error.status)
        asyncio.get_running_loop().call_soon(self._deliver, refusal)

    def _go_on(self) -> None:
        try:
            self._call = self._begin(self._deliver)
        except Exception as error:
            asyncio.get_running_loop().call_soon(self._deliver, error)

    def _deliver(self, result: GraphQLResponse | BaseException) -> None:
        done, self._done = self._done, None
        if done is None:
            return
        if isinstance(result, GraphQLResponse) and self._headers:
            # The answer may be that of others too, who stand differently.
            result = result.with_headers(self._headers)
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


def _remaining(charge: Charge, standing: Standing) -> int:
    return max(int((charge.tolerance - standing.level) / charge.rate.interval), 0)


def _reset(standing: Standing) -> int:
    return ceil(standing.level / _SECOND)


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
