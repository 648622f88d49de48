"""Which events partners may hear of, and what of them is told: never what identifies a person.

Whoever wants to know more than an event's own facts asks by a GraphQL query, and gets what their own account may see.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, cast, get_type_hints

import msgspec
from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, OperationType, parse
from strawberry.utils.str_converters import to_camel_case

from kernel.errors import InvalidInputError
from kernel.events.catalogue import CATALOGUE, Payload

_OURS: Final = frozenset(
    {
        "AccountMailDue",
        "PasswordResetRequested",
        "UserErasureRequested",
        "UserDataExportRequested",
        "PersonalDataErased",
        "PersonalDataCollected",
        "ProductViewed",
        "ProductsSearched",
        "ChangedInSomebodysName",
    }
)
"""Events that subgraphs tell each other, of no use outside or far too many."""
_FOR_VENDORS: Final = frozenset(
    {"ProductCreated", "ProductUpdated", "PriceChanged", "CategoryChanged", "InventoryChanged"}
)
"""What everybody can see in the shop; the other events are for its own staff."""
_GRAPHQL: Final[dict[Any, str]] = {str: "String", str | None: "String", int: "Int", int | None: "Int", bool: "Boolean"}
_SAMPLES: Final = {"String": "sample", "Int": 1, "Boolean": True}
_MOST_TOKENS: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An event that partners may hear of; `variables` are those that their query may use, with their GraphQL types."""

    type: str
    description: str
    for_vendors: bool
    variables: Mapping[str, str]

    def sample(self) -> dict[str, Any]:
        """Give values of the variables, for trying out a query."""
        return {name: _SAMPLES[kind] for name, kind in self.variables.items()}


def _offer(payload: type[Payload]) -> Offer:
    hints = get_type_hints(payload)
    told = (each.name for each in fields(payload) if each.name not in payload.personal)
    return Offer(
        type=payload.__name__,
        description=inspect.cleandoc(payload.__doc__ or ""),
        for_vendors=payload.__name__ in _FOR_VENDORS,
        variables={to_camel_case(name): _GRAPHQL[hints[name]] for name in told if hints[name] in _GRAPHQL},
    )


OFFERS: Final = {name: _offer(payload) for name, payload in sorted(CATALOGUE.items()) if name not in _OURS}
"""Every event that partners may hear of, by its name."""


def facts_of(payload: Payload) -> dict[str, Any]:
    """Give what partners are told of an event, with the names that the API would use."""
    told = msgspec.json.decode(msgspec.json.encode(payload))
    return {to_camel_case(name): _camel(value) for name, value in told.items() if name not in payload.personal}


def variables_of(event_type: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Give the variables of a partner's query for an event."""
    return {name: facts.get(name) for name in OFFERS[event_type].variables}


def check_query(text: str, event_types: tuple[str, ...]) -> None:
    """Let a query pass that could be filled for each of these events; whether it fits the API, the router knows.

    Raises:
        InvalidInputError: it is no single query, or wants variables that an event does not have.
    """
    try:
        operation = _operation(parse(text, max_tokens=_MOST_TOKENS))
    except GraphQLError as error:
        raise InvalidInputError(f"The query cannot be read: {error.message}", path=("query",)) from None
    for event_type in event_types:
        offered = OFFERS[event_type].variables
        for variable in operation.variable_definitions or ():
            name = variable.variable.name.value
            if name not in offered:
                raise InvalidInputError(
                    f"{event_type} has no ${name}; it offers {', '.join(f'${each}' for each in offered)}.",
                    path=("query",),
                )


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        raise InvalidInputError("There must be one operation, and it must be a query.", path=("query",))
    return operations[0]


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {to_camel_case(name): _camel(each) for name, each in cast("dict[str, Any]", value).items()}
    return [_camel(each) for each in cast("list[Any]", value)] if isinstance(value, list) else value
