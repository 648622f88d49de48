"""Why a subscription is not begun, or ends before its source does.

ExecutionError
└── SubscriptionEndedError         INTERNAL_SERVER_ERROR
    ├── TooManySubscriptionsError  SUBSCRIPTION_LIMIT_REACHED
    ├── ClientTooSlowError         SUBSCRIPTION_CLIENT_TOO_SLOW
    ├── CredentialsExpiredError    SUBSCRIPTION_CREDENTIALS_EXPIRED
    ├── CredentialsRevokedError    SUBSCRIPTION_CREDENTIALS_REVOKED
    ├── SchemaReloadedError        SUBSCRIPTION_SCHEMA_RELOAD
    ├── RouterStoppingError        SUBSCRIPTION_SERVER_SHUTDOWN
    └── SourceLostError            the code of the transport error that it passes on
"""

from __future__ import annotations

from typing_extensions import override

from router.execution.errors import ExecutionError, TransportError
from router.execution.exchange import GraphQLErrorDict


class SubscriptionEndedError(ExecutionError):
    """The subscription gives no further events; the message is for the client."""


class TooManySubscriptionsError(SubscriptionEndedError):
    """As many subscriptions are open as the settings allow."""

    code = "SUBSCRIPTION_LIMIT_REACHED"


class ClientTooSlowError(SubscriptionEndedError):
    """The client did not take its events, and its buffer is full."""

    code = "SUBSCRIPTION_CLIENT_TOO_SLOW"


class CredentialsExpiredError(SubscriptionEndedError):
    """The token with which the subscription was begun has ended."""

    code = "SUBSCRIPTION_CREDENTIALS_EXPIRED"


class CredentialsRevokedError(SubscriptionEndedError):
    """The token with which the subscription was begun was taken back."""

    code = "SUBSCRIPTION_CREDENTIALS_REVOKED"


class SchemaReloadedError(SubscriptionEndedError):
    """The schema changed, and the subscription would have to be begun differently."""

    code = "SUBSCRIPTION_SCHEMA_RELOAD"


class RouterStoppingError(SubscriptionEndedError):
    """The router is about to end; another will take the subscription."""

    code = "SUBSCRIPTION_SERVER_SHUTDOWN"


class SourceLostError(SubscriptionEndedError):
    """The stream of the subgraph could not be opened, or broke.

    Args:
        cause: what happened.
        subgraph: where.
    """

    def __init__(self, cause: TransportError, subgraph: str) -> None:
        super().__init__(str(cause))
        self._error = cause.as_error(subgraph)

    @override
    def as_dicts(self) -> tuple[GraphQLErrorDict, ...]:
        """Return the error as one of the subgraph's."""
        return (self._error,)
