"""Puts an event into a partner's words: their GraphQL query, asked of the router in their name.

What they may see is decided when the message is made and by who they are then, so that a query outlives neither a role
nor an account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from kernel.calls import CallError, SubgraphCalls
from kernel.errors import InfrastructureError, InvalidInputError
from kernel.supergraph import Answer, Person, Supergraph, SupergraphUnavailableError
from subgraphs.notifications.domain.offers import OFFERS, variables_of
from subgraphs.notifications.domain.webhooks import Delivery

_WHO: Final = """
query($these: [_Any!]!) { _entities(representations: $these) { ... on User { id email roles } } }
"""
_REFUSED: Final = frozenset({"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"})
_LARGEST: Final = 256 * 1024


class UnfilledError(InfrastructureError):
    """A message could not be made; the receiver has no part in that."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


@dataclass(frozen=True, slots=True)
class Filling:
    """Makes the bodies of messages."""

    calls: SubgraphCalls
    supergraph: Supergraph

    async def body(self, delivery: Delivery, query: str | None, user_id: str) -> str:
        """Make the body of a message.

        Raises:
            UnfilledError: the router or the partner's account was not reached, or the query fits the API no more.
        """
        content: dict[str, Any] = {
            "type": delivery.event_type,
            "timestamp": delivery.happened_at.isoformat(),
            "id": delivery.event_id,
            **({"test": True} if delivery.test else {}),
            **(await self._told(delivery, query, user_id) if query else {"data": delivery.facts}),
        }
        body = orjson.dumps(content).decode()
        if len(body) > _LARGEST:
            raise UnfilledError(f"The message is larger than {_LARGEST // 1024} KB; ask for less.")
        return body

    async def check(self, query: str, event_types: tuple[str, ...], user_id: str) -> None:
        """Try a query out with sample values; what the router refuses, it would refuse of every event.

        Raises:
            InvalidInputError: the router does not take it.
            UnfilledError: the router or the account was not reached.
        """
        asker = await self._person(user_id)
        for event_type in event_types:
            answer = await self._ask(query, OFFERS[event_type].sample(), asker)
            if answer.codes & _REFUSED:
                message = str(answer.errors[0].get("message", ""))
                raise InvalidInputError(f"For {event_type}: {message}", path=("query",))

    async def _told(self, delivery: Delivery, query: str, user_id: str) -> dict[str, Any]:
        variables = variables_of(delivery.event_type, delivery.facts)
        answer = await self._ask(query, variables, await self._person(user_id))
        if answer.codes & _REFUSED:
            raise UnfilledError(f"The query does not fit the API: {answer.errors[0].get('message', '')}")
        return {"data": answer.data, **({"errors": list(answer.errors)} if answer.errors else {})}

    async def _ask(self, query: str, variables: Mapping[str, Any], asker: Person) -> Answer:
        try:
            return await self.supergraph.execute(query, variables, asker=asker)
        except SupergraphUnavailableError as error:
            raise UnfilledError("The router was not reached.") from error

    async def _person(self, user_id: str) -> Person:
        these = [{"__typename": "User", "id": user_id}]
        try:
            data = await self.calls.execute("users", _WHO, {"these": these})
        except CallError as error:
            raise UnfilledError("The partner's account was not reached.") from error
        found = data["_entities"][0]
        if found is None:
            raise UnfilledError("The partner has no account any more.")
        return Person(id=user_id, email=found["email"], roles=frozenset(role.lower() for role in found["roles"]))
