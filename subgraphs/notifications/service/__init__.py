"""The use cases of the notifications subgraph."""

from __future__ import annotations

from dataclasses import dataclass

from subgraphs.notifications.service.courier import Courier
from subgraphs.notifications.service.inbox import Inbox
from subgraphs.notifications.service.templates import Templates
from subgraphs.notifications.service.webhooks import Webhooks
from subgraphs.notifications.service.wishes import Wishes
from subgraphs.notifications.service.writing import Writing


@dataclass(frozen=True, slots=True)
class NotificationsService:
    """Everything that can be done here, by room."""

    writing: Writing
    courier: Courier
    inbox: Inbox
    wishes: Wishes
    templates: Templates
    webhooks: Webhooks
