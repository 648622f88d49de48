"""What an operator may decide about a saga that waits: only what a person can know from the other side's books.

A step that changes something here is never declared done by hand, because its change would be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from kernel.errors import InvalidInputError
from subgraphs.orders.domain.errors import SagaNotResolvableError
from subgraphs.orders.domain.saga import End, Failure, Run, Saga, StepName, StepStatus, Undo, next_action, turn_round
from subgraphs.orders.domain.status import SagaStatus


class Verdict(StrEnum):
    """What the operator has found out about the step that is next."""

    DONE = "DONE"
    REFUSED = "REFUSED"


_BOTH: Final = frozenset({Verdict.DONE, Verdict.REFUSED})
_RUNNING: Final[Mapping[StepName, frozenset[Verdict]]] = {
    StepName.RESERVE_STOCK: frozenset({Verdict.REFUSED}),
    StepName.REDEEM_VOUCHER: _BOTH,
    StepName.PROCESS_PAYMENT: _BOTH,
    StepName.CONFIRM_ORDER: frozenset({Verdict.REFUSED}),
    StepName.HALT_SHIPMENTS: _BOTH,
    StepName.CANCEL_ORDER: frozenset(),
    StepName.RELEASE_ALLOCATION: frozenset({Verdict.DONE}),
    StepName.REFUND_PAYMENT: frozenset({Verdict.DONE}),
    StepName.RETURN_STOCK: frozenset({Verdict.DONE}),
    StepName.REFUND_AMOUNT: frozenset({Verdict.DONE}),
    StepName.CLOSE_RETURN: frozenset(),
    StepName.HOLD_SHIPMENTS: _BOTH,
    StepName.ALLOCATE_MORE: frozenset({Verdict.REFUSED}),
    StepName.SETTLE_STOCK: frozenset(),
    StepName.APPLY_EDIT: frozenset(),
    StepName.APPROVE_RETURN: frozenset(),
}
_UNDOING: Final = frozenset({Verdict.DONE})


def verdicts(saga: Saga) -> frozenset[Verdict]:
    """Tell what may be decided about a saga now."""
    match next_action(saga):
        case Run(step):
            return _RUNNING[step]
        case Undo():
            return _UNDOING
        case End():
            return frozenset()


def waiting_for(saga: Saga) -> StepName | None:
    """Tell which step is next, forwards or back."""
    match next_action(saga):
        case Run(step) | Undo(step):
            return step
        case End():
            return None


def resolve(saga: Saga, step: StepName, verdict: Verdict, result: Mapping[str, Any]) -> Saga:
    """The saga after an operator's word about its next step.

    Raises:
        SagaNotResolvableError: this step is not next, or this cannot be decided about it.
        InvalidInputError: a payment is said to be made, but not which one.
    """
    allowed = verdicts(saga)
    if waiting_for(saga) != step or verdict not in allowed:
        raise SagaNotResolvableError(waiting_for(saga), sorted(allowed))
    if verdict is Verdict.REFUSED:
        return replace(
            turn_round(saga, step, Failure("RESOLVED_BY_HAND", "The order could not be completed.")), tries=0
        )
    if saga.status == SagaStatus.COMPENSATING:
        return replace(saga.with_step(step, StepStatus.UNDONE), tries=0)
    if step == StepName.PROCESS_PAYMENT and not result.get("payment_id"):
        raise InvalidInputError("Name the payment that was made.", path=("input", "paymentId"))
    done = replace(saga.with_step(step, StepStatus.DONE, result).to(SagaStatus.RUNNING), tries=0)
    return done.to(SagaStatus.COMPLETED) if isinstance(next_action(done), End) else done
