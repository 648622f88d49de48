"""What partners ask and do about webhooks."""

from __future__ import annotations

from datetime import datetime

import strawberry

from kernel.errors import DomainError, NotFoundError
from kernel.graphql import Connection, connection, user_errors
from kernel.identity import require
from kernel.pagination import Page
from subgraphs.notifications.api.context import Info
from subgraphs.notifications.api.webhook_types import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookDeliveryPayload,
    WebhookDryRunPayload,
    WebhookEndpoint,
    WebhookEndpointPayload,
    WebhookEventType,
    WebhookHeader,
    WebhookMessage,
    WebhookReplayPayload,
)
from subgraphs.notifications.domain.offers import OFFERS
from subgraphs.notifications.domain.webhooks import SCHEDULE
from subgraphs.notifications.service.webhooks import Webhooks
from subgraphs.notifications.service.webhooks.endpoints import PARTNERS, EndpointChange


@strawberry.input(description="A new endpoint.")
class WebhookEndpointCreateInput:
    """A new endpoint."""

    url: str
    event_types: list[str]
    description: str = ""
    query: str | None = strawberry.field(
        default=None,
        description="A GraphQL query whose variables are facts of the events, such as `$orderId`. It is asked in your "
        "name for each event and its data sent; without it you get the facts alone.",
    )


@strawberry.input(description="What is to change; what is left out stays as it is.")
class WebhookEndpointUpdateInput:
    """What is to change."""

    url: str | None = None
    event_types: list[str] | None = None
    description: str | None = None
    query: str | None = strawberry.field(default=None, description="Empty text takes the query away.")
    enabled: bool | None = None


@strawberry.type
class WebhookQuery:
    """Reads of webhooks."""

    @strawberry.field(description="Your endpoints, newest first; for vendors and staff.")
    async def webhook_endpoints(
        self,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        everybodys: bool = False,
    ) -> Connection[WebhookEndpoint]:
        """Give one page of endpoints."""
        page = await _rooms(info).endpoints.page(
            info.context.caller, Page(first, after, last, before), everybodys=everybodys
        )
        return connection(page.map(WebhookEndpoint.of))

    @strawberry.field(description="One of your endpoints.")
    async def webhook_endpoint(self, info: Info, id: strawberry.ID) -> WebhookEndpoint | None:
        """Give an endpoint."""
        try:
            return WebhookEndpoint.of(await _rooms(info).endpoints.get(info.context.caller, id))
        except NotFoundError:
            return None

    @strawberry.field(description="The events that you can hear of.")
    async def webhook_event_types(self, info: Info) -> list[WebhookEventType]:
        """List the events."""
        caller = info.context.caller
        require(caller, kinds=PARTNERS)
        return [WebhookEventType.of(offer) for offer in OFFERS.values() if offer.for_vendors or caller.works_here]

    @strawberry.field(
        description="Seconds between each try of a delivery and the one before; up to a fifth more by chance."
    )
    async def webhook_retry_schedule(self) -> list[int]:
        """Publish the schedule."""
        return [int(each.total_seconds()) for each in SCHEDULE]


@strawberry.type
class WebhookMutation:
    """Writes of webhooks."""

    @strawberry.mutation(description="Register an endpoint for events; for vendors and staff.")
    async def webhook_endpoint_create(self, info: Info, input: WebhookEndpointCreateInput) -> WebhookEndpointPayload:
        """Register an endpoint."""
        wanted = EndpointChange(
            url=input.url, event_types=tuple(input.event_types), description=input.description, query=input.query
        )
        try:
            endpoint, secret = await _rooms(info).endpoints.create(info.context.caller, wanted)
        except DomainError as error:
            return WebhookEndpointPayload(errors=user_errors(error))
        return WebhookEndpointPayload(endpoint=WebhookEndpoint.of(endpoint), secret=secret)

    @strawberry.mutation(description="Change one of your endpoints, or switch it off or on.")
    async def webhook_endpoint_update(
        self, info: Info, id: strawberry.ID, input: WebhookEndpointUpdateInput
    ) -> WebhookEndpointPayload:
        """Change an endpoint."""
        wanted = EndpointChange(
            url=input.url,
            event_types=None if input.event_types is None else tuple(input.event_types),
            description=input.description,
            query=input.query,
            enabled=input.enabled,
        )
        try:
            endpoint = await _rooms(info).endpoints.update(info.context.caller, id, wanted)
        except DomainError as error:
            return WebhookEndpointPayload(errors=user_errors(error))
        return WebhookEndpointPayload(endpoint=WebhookEndpoint.of(endpoint))

    @strawberry.mutation(description="Remove one of your endpoints, with all that waits for it.")
    async def webhook_endpoint_delete(self, info: Info, id: strawberry.ID) -> WebhookEndpointPayload:
        """Remove an endpoint."""
        try:
            await _rooms(info).endpoints.remove(info.context.caller, id)
        except DomainError as error:
            return WebhookEndpointPayload(errors=user_errors(error))
        return WebhookEndpointPayload()

    @strawberry.mutation(
        description="Give an endpoint a new secret. For a day messages are signed with the old one as well."
    )
    async def webhook_secret_rotate(self, info: Info, id: strawberry.ID) -> WebhookEndpointPayload:
        """Rotate the secret."""
        try:
            endpoint, secret = await _rooms(info).endpoints.rotate(info.context.caller, id)
        except DomainError as error:
            return WebhookEndpointPayload(errors=user_errors(error))
        return WebhookEndpointPayload(endpoint=WebhookEndpoint.of(endpoint), secret=secret)

    @strawberry.mutation(
        description="Show what an endpoint would be sent for the newest event of a type; sends nothing."
    )
    async def webhook_dry_run(self, info: Info, id: strawberry.ID, event_type: str) -> WebhookDryRunPayload:
        """Make a message and send it nowhere."""
        try:
            draft = await _rooms(info).trials.dry_run(info.context.caller, id, event_type)
        except DomainError as error:
            return WebhookDryRunPayload(errors=user_errors(error))
        headers = [WebhookHeader(name=name, value=value) for name, value in draft.headers.items()]
        return WebhookDryRunPayload(message=WebhookMessage(headers=headers, body=draft.body))

    @strawberry.mutation(description="Send an endpoint a test at once; it is not tried again.")
    async def webhook_test(self, info: Info, id: strawberry.ID, event_type: str) -> WebhookDeliveryPayload:
        """Send a test."""
        try:
            delivery, attempt = await _rooms(info).trials.test(info.context.caller, id, event_type)
        except DomainError as error:
            return WebhookDeliveryPayload(errors=user_errors(error))
        return WebhookDeliveryPayload(delivery=WebhookDelivery.of(delivery), attempt=WebhookAttempt.of(attempt))

    @strawberry.mutation(description="Send a delivery again at once, with the same ids, whatever became of it before.")
    async def webhook_delivery_replay(self, info: Info, id: strawberry.ID) -> WebhookDeliveryPayload:
        """Send a delivery again."""
        try:
            delivery, attempt = await _rooms(info).trials.replay(info.context.caller, id)
        except DomainError as error:
            return WebhookDeliveryPayload(errors=user_errors(error))
        return WebhookDeliveryPayload(delivery=WebhookDelivery.of(delivery), attempt=WebhookAttempt.of(attempt))

    @strawberry.mutation(description="Try all deliveries of an endpoint once more that were given up since an instant.")
    async def webhook_failed_replay(self, info: Info, id: strawberry.ID, since: datetime) -> WebhookReplayPayload:
        """Try what failed once more."""
        try:
            count = await _rooms(info).endpoints.replay(info.context.caller, id, since)
        except DomainError as error:
            return WebhookReplayPayload(errors=user_errors(error))
        return WebhookReplayPayload(count=count)


def _rooms(info: Info) -> Webhooks:
    return info.context.service.webhooks
