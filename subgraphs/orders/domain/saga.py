"""The saga as a value: which steps it has, what became of each, and what is to be done next.

    checkout      reserve stock -> redeem voucher -> process payment -> confirm order
                  (allocate its stock; mail and analytics follow from events)
    cancellation  halt shipments -> cancel order -> release allocation -> refund payment
    return        return stock -> refund amount -> close return
    part refund   refund amount
    edit          hold shipments -> allocate more -> process payment -> settle stock -> apply edit -> refund amount
    exchange      reserve stock -> process payment -> confirm order -> approve return
    late payment  refund payment, which came when the order had been cancelled already

A step that is refused turns the saga round: every step that was done is undone, the last one first. A step
whose outcome is unknown neither goes on nor turns round; it is asked again later. Each step has one
idempotency key for all its attempts, so running it again after a crash finds what the first run did.
Each kind has a pivot: once that step is done, nothing turns the saga round. What is refused then is asked again
and shown to the operators, since neither leaving it nor undoing the rest would be right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from subgraphs.orders.domain.status import SAGA, SagaStatus


class SagaKind(StrEnum):
    """What a saga brings about."""

    CHECKOUT = "CHECKOUT"
    CANCELLATION = "CANCELLATION"
    LATE_PAYMENT = "LATE_PAYMENT"
    RETURN = "RETURN"
    PARTIAL_REFUND = "PARTIAL_REFUND"
    EDIT = "EDIT"
    EXCHANGE = "EXCHANGE"


class StepName(StrEnum):
    """One remote or local effect within a saga."""

    RESERVE_STOCK = "RESERVE_STOCK"
    REDEEM_VOUCHER = "REDEEM_VOUCHER"
    PROCESS_PAYMENT = "PROCESS_PAYMENT"
    CONFIRM_ORDER = "CONFIRM_ORDER"
    HALT_SHIPMENTS = "HALT_SHIPMENTS"
    CANCEL_ORDER = "CANCEL_ORDER"
    RELEASE_ALLOCATION = "RELEASE_ALLOCATION"
    REFUND_PAYMENT = "REFUND_PAYMENT"
    RETURN_STOCK = "RETURN_STOCK"
    REFUND_AMOUNT = "REFUND_AMOUNT"
    CLOSE_RETURN = "CLOSE_RETURN"
    HOLD_SHIPMENTS = "HOLD_SHIPMENTS"
    ALLOCATE_MORE = "ALLOCATE_MORE"
    SETTLE_STOCK = "SETTLE_STOCK"
    APPLY_EDIT = "APPLY_EDIT"
    APPROVE_RETURN = "APPROVE_RETURN"


STEPS: Final[Mapping[SagaKind, tuple[StepName, ...]]] = {
    SagaKind.CHECKOUT: (
        StepName.RESERVE_STOCK,
        StepName.REDEEM_VOUCHER,
        StepName.PROCESS_PAYMENT,
        StepName.CONFIRM_ORDER,
    ),
    SagaKind.CANCELLATION: (
        StepName.HALT_SHIPMENTS,
        StepName.CANCEL_ORDER,
        StepName.RELEASE_ALLOCATION,
        StepName.REFUND_PAYMENT,
    ),
    SagaKind.LATE_PAYMENT: (StepName.REFUND_PAYMENT,),
    SagaKind.RETURN: (StepName.RETURN_STOCK, StepName.REFUND_AMOUNT, StepName.CLOSE_RETURN),
    SagaKind.PARTIAL_REFUND: (StepName.REFUND_AMOUNT,),
    SagaKind.EDIT: (
        StepName.HOLD_SHIPMENTS,
        StepName.ALLOCATE_MORE,
        StepName.PROCESS_PAYMENT,
        StepName.SETTLE_STOCK,
        StepName.APPLY_EDIT,
        StepName.REFUND_AMOUNT,
    ),
    SagaKind.EXCHANGE: (
        StepName.RESERVE_STOCK,
        StepName.PROCESS_PAYMENT,
        StepName.CONFIRM_ORDER,
        StepName.APPROVE_RETURN,
    ),
}
"""The steps of each kind, in the order in which they run."""

PIVOTS: Final[Mapping[SagaKind, StepName]] = {
    SagaKind.CHECKOUT: StepName.CONFIRM_ORDER,
    SagaKind.CANCELLATION: StepName.CANCEL_ORDER,
    SagaKind.RETURN: StepName.RETURN_STOCK,
    SagaKind.EDIT: StepName.APPLY_EDIT,
    SagaKind.EXCHANGE: StepName.CONFIRM_ORDER,
}
"""The step of each kind after which there is no way back."""


_BEFORE_ANYTHING_MOVES: Final = frozenset(
    {
        StepName.RESERVE_STOCK,
        StepName.REDEEM_VOUCHER,
        StepName.PROCESS_PAYMENT,
        StepName.HALT_SHIPMENTS,
        StepName.HOLD_SHIPMENTS,
        StepName.ALLOCATE_MORE,
    }
)


class StepStatus(StrEnum):
    """What became of a step so far."""

    PENDING = "PENDING"
    DONE = "DONE"
    REFUSED = "REFUSED"
    UNDONE = "UNDONE"


@dataclass(frozen=True, slots=True)
class Step:
    """A step with what it brought."""

    name: StepName
    status: StepStatus = StepStatus.PENDING
    result: Mapping[str, Any] = field(default_factory=dict)
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a saga turned round: a code to branch on, a message to show, and the facts of the refusal."""

    code: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saga:
    """One run of a saga; `attempt` counts the runners that took it up and fences off earlier ones."""

    id: str
    kind: SagaKind
    order_id: str
    checkout_id: str
    status: SagaStatus
    steps: tuple[Step, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1
    tries: int = 0
    failure: Failure | None = None
    created_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing is left to be done."""
        return self.status in {SagaStatus.COMPLETED, SagaStatus.COMPENSATED}

    @property
    def first_try(self) -> bool:
        """Whether the step that is next has certainly never been sent."""
        return self.attempt == 1 and self.tries == 0

    @property
    def past_its_pivot(self) -> bool:
        """Whether there is no way back any more."""
        pivot = PIVOTS.get(self.kind)
        return any(step.name == pivot and step.status == StepStatus.DONE for step in self.steps)

    def key(self, step: StepName) -> str:
        """The idempotency key of a step, the same at every attempt."""
        return f"{self.id}:{step.lower()}"

    def undo_key(self, step: StepName) -> str:
        """The idempotency key of a step's compensation."""
        return f"{self.id}:{step.lower()}:undo"

    def result(self, step: StepName) -> Mapping[str, Any]:
        """What a step brought; empty before it is done."""
        return next(one.result for one in self.steps if one.name == step)

    def to(self, status: SagaStatus) -> Saga:
        """The saga in another state, or as it is."""
        return self if status == self.status else replace(self, status=SAGA.check(self.status, status))

    def with_step(self, name: StepName, status: StepStatus, result: Mapping[str, Any] | None = None) -> Saga:
        """The saga after a step has changed."""
        changed = tuple(
            replace(step, status=status, result=step.result if result is None else result)
            if step.name == name
            else step
            for step in self.steps
        )
        return replace(self, steps=changed)


@dataclass(frozen=True, slots=True)
class Run:
    """Next: run this step."""

    step: StepName


@dataclass(frozen=True, slots=True)
class Undo:
    """Next: compensate this step."""

    step: StepName


@dataclass(frozen=True, slots=True)
class End:
    """Next: nothing; the saga ends like this."""

    status: SagaStatus


Action = Run | Undo | End


def start(
    saga_id: str,
    kind: SagaKind,
    order_id: str,
    checkout_id: str,
    data: Mapping[str, Any],
    *,
    without: frozenset[StepName] = frozenset(),
) -> Saga:
    """Make a saga of which nothing has happened yet; it has no steps that there is nothing to do for."""
    return Saga(
        id=saga_id,
        kind=kind,
        order_id=order_id,
        checkout_id=checkout_id,
        status=SagaStatus.RUNNING,
        steps=tuple(Step(name) for name in STEPS[kind] if name not in without),
        data=data,
    )


def next_action(saga: Saga) -> Action:
    """Decide what comes next, from nothing but what has been stored."""
    if saga.ended:
        return End(saga.status)
    if saga.status == SagaStatus.COMPENSATING:
        for step in reversed(saga.steps):
            if step.status == StepStatus.DONE:
                return Undo(step.name)
        return End(SagaStatus.COMPENSATED)
    for step in saga.steps:
        if step.status == StepStatus.PENDING:
            return Run(step.name)
    return End(SagaStatus.COMPLETED)


def turn_round(saga: Saga, refused: StepName, failure: Failure) -> Saga:
    """The saga after a step was refused: from here on it goes back."""
    stopped = saga.with_step(refused, StepStatus.REFUSED).to(SagaStatus.COMPENSATING)
    return replace(stopped, failure=failure)


def gives_up_when_unreachable(saga: Saga, step: StepName) -> bool:
    """Tell whether a step that cannot be reached is refused at once rather than asked again.

    So it is while the buyer waits and nothing can have been moved: a charge that was never sent is better
    told than made an hour later. Once a step has been sent, or money was taken, only asking again will do.
    """
    return step in _BEFORE_ANYTHING_MOVES and saga.first_try
