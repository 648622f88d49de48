"""The work behind an order as the staff sees it: which step waits, which was refused, and why."""

from __future__ import annotations

from datetime import datetime

import strawberry

from kernel.graphql import Connection
from subgraphs.orders.domain import saga as domain
from subgraphs.orders.domain.resolution import Verdict, verdicts, waiting_for
from subgraphs.orders.domain.saga import SagaKind, StepName, StepStatus
from subgraphs.orders.domain.status import SagaStatus

strawberry.enum(SagaKind, description="What a saga brings about.")
strawberry.enum(SagaStatus, description="Where a saga stands; WAITING has a step whose outcome is not known yet.")
strawberry.enum(StepName, name="SagaStepName", description="One effect within a saga.")
strawberry.enum(Verdict, name="SagaVerdict", description="What a person has found out about a step.")
strawberry.enum(StepStatus, name="SagaStepStatus", description="What became of a step so far.")


@strawberry.type(description="One effect within a saga, and what became of it.")
class OrderSagaStep:
    """One effect within a saga."""

    name: StepName
    status: StepStatus
    finished_at: datetime | None


@strawberry.type(description="A chain of steps over several services that is carried on until it has an end.")
class OrderSaga:
    """A chain of steps over several services."""

    id: strawberry.ID
    kind: SagaKind
    status: SagaStatus
    tries: int = strawberry.field(description="How often the step that is next was tried without an outcome.")
    failure: str | None = strawberry.field(description="Why it turned round.")
    started_at: datetime | None
    steps: list[OrderSagaStep]
    waits_for: StepName | None = strawberry.field(description="The step that is next, forwards or back.")
    verdicts: list[Verdict] = strawberry.field(description="What may be decided by hand about that step now.")
    order_id: strawberry.Private[str]

    @classmethod
    def of(cls, saga: domain.Saga) -> OrderSaga:
        """Show a saga."""
        return cls(
            id=strawberry.ID(saga.id),
            kind=saga.kind,
            status=saga.status,
            tries=saga.tries,
            failure=saga.failure.message if saga.failure else None,
            started_at=saga.created_at,
            steps=[OrderSagaStep(name=one.name, status=one.status, finished_at=one.finished_at) for one in saga.steps],
            waits_for=waiting_for(saga),
            verdicts=sorted(verdicts(saga)),
            order_id=saga.order_id,
        )


@strawberry.type(description="A page of sagas, the newest first.")
class OrderSagaConnection(Connection[OrderSaga]):
    """A page of sagas."""


@strawberry.input(description="Which sagas are wanted.")
class OrderSagaWhere:
    """Which sagas are wanted."""

    status_in: list[SagaStatus] | None = None


@strawberry.input(description="What an operator has found out about the step that a saga waits for.")
class OrderSagaResolveInput:
    """What an operator has found out."""

    step: StepName
    verdict: Verdict
    payment_id: strawberry.ID | None = strawberry.field(
        default=None, description="The payment, where PROCESS_PAYMENT is DONE."
    )

    @property
    def result(self) -> dict[str, str]:
        """What the step has brought."""
        return {} if self.payment_id is None else {"payment_id": self.payment_id}
