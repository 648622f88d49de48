"""The life of subscriptions: one source for all who ask for the same, and for each client a buffer with a bound."""

from router.subscriptions.errors import (
    ClientTooSlowError,
    CredentialsExpiredError,
    CredentialsRevokedError,
    RouterStoppingError,
    SchemaReloadedError,
    SourceLostError,
    SubscriptionEndedError,
    TooManySubscriptionsError,
)
from router.subscriptions.hub import Subscriptions
from router.subscriptions.subscription import Buffering, Sink, Subscription

__all__ = [
    "Buffering",
    "ClientTooSlowError",
    "CredentialsExpiredError",
    "CredentialsRevokedError",
    "RouterStoppingError",
    "SchemaReloadedError",
    "Sink",
    "SourceLostError",
    "Subscription",
    "SubscriptionEndedError",
    "Subscriptions",
    "TooManySubscriptionsError",
]
