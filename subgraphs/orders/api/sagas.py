"""The work behind an order as the staff sees it: which step waits, which was refused, and why."""

from __future__ import annotations

from datetime import datetime

import strawberry

from subgraphs.orders.domain import saga as domain
from subgraphs.orders.domain.saga import SagaKind, StepName, StepStatus
from subgraphs.orders.domain.status import SagaStatus

strawberry.enum(SagaKind, description="What a saga brings about.")
strawberry.enum(SagaStatus, description="Where a saga stands; WAITING has a step whose outcome is not known yet.")
strawberry.enum(StepName, name="SagaStepName", description="One effect within a saga.")
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
        )
