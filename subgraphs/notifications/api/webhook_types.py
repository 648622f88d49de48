"""Webhooks as partners see them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from kernel.graphql import Connection, UserError, connection
from kernel.pagination import Page
from subgraphs.notifications.api.context import Info
from subgraphs.notifications.domain.offers import Offer
from subgraphs.notifications.domain.webhooks import Attempt, Delivery, DeliveryState, Endpoint, EndpointState

strawberry.enum(EndpointState, name="WebhookEndpointState", description="Whether an endpoint gets deliveries.")
strawberry.enum(DeliveryState, name="WebhookDeliveryState", description="How far a delivery got.")


@strawberry.type(description="A variable that a webhook's query may use for an event.")
class WebhookVariable:
    """A variable that a webhook's query may use for an event."""

    name: str
    type: str = strawberry.field(description="`String` (also good as `ID`), `Int` or `Boolean`; it may be null.")


@strawberry.type(description="An event that webhooks can tell of.")
class WebhookEventType:
    """An event that webhooks can tell of."""

    name: str
    description: str
    variables: list[WebhookVariable]

    @classmethod
    def of(cls, offer: Offer) -> WebhookEventType:
        """Show an offer."""
        variables = [WebhookVariable(name=name, type=kind) for name, kind in offer.variables.items()]
        return cls(name=offer.type, description=offer.description, variables=variables)


@strawberry.type(description="One try of a delivery.")
class WebhookAttempt:
    """One try of a delivery."""

    number: int
    at: datetime
    seconds: float
    status: int | None = strawberry.field(description="The HTTP status of the answer, if there was one.")
    error: str | None
    excerpt: str = strawberry.field(description="The beginning of an answer that did not take the message.")

    @classmethod
    def of(cls, attempt: Attempt) -> WebhookAttempt:
        """Show a try."""
        return cls(
            number=attempt.number,
            at=attempt.at,
            seconds=attempt.seconds,
            status=attempt.status,
            error=attempt.error,
            excerpt=attempt.excerpt,
        )


@strawberry.type(description="An event on its way to an endpoint. Its id is the `webhook-id` header of every try.")
class WebhookDelivery:
    """An event on its way to an endpoint."""

    id: strawberry.ID
    event_id: strawberry.ID
    event_type: str
    state: DeliveryState
    body: str | None = strawberry.field(description="What is sent; made at the first try.")
    created_at: datetime
    settled_at: datetime | None
    next_attempt_at: datetime | None
    test: bool

    @classmethod
    def of(cls, delivery: Delivery) -> WebhookDelivery:
        """Show a delivery."""
        return cls(
            id=strawberry.ID(delivery.id),
            event_id=strawberry.ID(delivery.event_id),
            event_type=delivery.event_type,
            state=delivery.state,
            body=delivery.body,
            created_at=delivery.created_at,
            settled_at=delivery.settled_at,
            next_attempt_at=delivery.due_at if delivery.state is DeliveryState.PENDING else None,
            test=delivery.test,
        )

    @strawberry.field(description="The log of tries, in their order.")
    async def attempts(self, info: Info) -> list[WebhookAttempt]:
        """Give the tries."""
        return [WebhookAttempt.of(each) for each in await info.context.loaders.attempts.load(self.id) or ()]


@strawberry.type(description="Where a partner wants to hear of which events.")
class WebhookEndpoint:
    """Where a partner wants to hear of which events."""

    id: strawberry.ID
    url: str
    description: str
    event_types: list[str]
    query: str | None = strawberry.field(description="The GraphQL query that is filled for each event.")
    state: EndpointState
    disabled_reason: str | None
    failing_since: datetime | None
    created_at: datetime
    old_secret_until: datetime | None = strawberry.field(
        description="Until when messages are signed with the secret before the last rotation as well."
    )

    @classmethod
    def of(cls, endpoint: Endpoint) -> WebhookEndpoint:
        """Show an endpoint."""
        return cls(
            id=strawberry.ID(endpoint.id),
            url=endpoint.url,
            description=endpoint.description,
            event_types=list(endpoint.event_types),
            query=endpoint.query,
            state=endpoint.state,
            disabled_reason=endpoint.disabled_reason,
            failing_since=endpoint.failing_since,
            created_at=endpoint.created_at,
            old_secret_until=endpoint.old_secret_until,
        )

    @strawberry.field(description="The delivery log of the last 30 days, newest first.")
    async def deliveries(
        self,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        state: DeliveryState | None = None,
    ) -> Connection[WebhookDelivery]:
        """Give one page of the delivery log."""
        endpoints = info.context.service.webhooks.endpoints
        page = await endpoints.deliveries(self.id, Page(first, after, last, before), state)
        return connection(page.map(WebhookDelivery.of))


@strawberry.type
class WebhookEndpointPayload:
    """An endpoint, or why nothing was done."""

    endpoint: WebhookEndpoint | None = None
    secret: str | None = strawberry.field(default=None, description="Signs the messages; it is shown this once.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class WebhookDeliveryPayload:
    """A delivery that was tried, or why it was not."""

    delivery: WebhookDelivery | None = None
    attempt: WebhookAttempt | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="A header of a message.")
class WebhookHeader:
    """A header of a message."""

    name: str
    value: str


@strawberry.type(description="The message that an endpoint would be sent.")
class WebhookMessage:
    """The message that an endpoint would be sent."""

    headers: list[WebhookHeader]
    body: str


@strawberry.type
class WebhookDryRunPayload:
    """What would be sent, or why nothing could be."""

    message: WebhookMessage | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class WebhookReplayPayload:
    """How many deliveries are tried again."""

    count: int = 0
    errors: list[UserError] = strawberry.field(default_factory=list)
