"""Webhooks of partners: who may hear of what, putting it into their words, and bringing it to them."""

from __future__ import annotations

from dataclasses import dataclass

from subgraphs.notifications.service.webhooks.dispatcher import Dispatcher
from subgraphs.notifications.service.webhooks.endpoints import Endpoints
from subgraphs.notifications.service.webhooks.trials import Trials


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Everything about webhooks, by room."""

    endpoints: Endpoints
    dispatcher: Dispatcher
    trials: Trials
