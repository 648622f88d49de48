"""The federation schema of a subgraph, and its SDL in one stable spelling.

Strawberry's resolver of `_entities` empties the representations that it is given and expects their fields
under Python's names; ours leaves the caller's data alone (an in-process router still owns it) and translates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import Any, Final, cast

import strawberry
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition
from typing_extensions import override

from kernel.graphql.errors import SHARED_TYPES
from kernel.graphql.scalars import CURRENCY_CODE, CurrencyCode

FEDERATION_VERSION: Final = "2.9"


@dataclass(frozen=True, slots=True)
class _Reference:
    """How entities of one type are made from their representations."""

    make: Callable[..., Any]
    names: Mapping[str, str]
    """The fields that `make` takes: GraphQL's name to Python's."""
    wants_info: bool

    def resolve(self, info: strawberry.Info, representation: Mapping[str, Any]) -> Any:
        fields = {self.names[key]: value for key, value in representation.items() if key in self.names}
        return self.make(info=info, **fields) if self.wants_info else self.make(**fields)


class Schema(strawberry.federation.Schema):
    """A federation 2 schema whose entities are resolved from copies of their representations."""

    @override
    def entities_resolver(self, info: strawberry.Info, representations: list[FederationAny]) -> list[FederationAny]:
        """Start resolving every representation; what they load is batched by the request's loaders."""
        return [self._resolve(info, cast("dict[str, Any]", each)) for each in representations]

    def _resolve(self, info: strawberry.Info, representation: dict[str, Any]) -> Any:
        try:
            return self._reference(representation["__typename"]).resolve(info, representation)
        except Exception as error:  # one bad representation must not spoil the others
            return error

    def _reference(self, type_name: str) -> _Reference:
        known = self._references.get(type_name)
        if known is None:
            known = self._references[type_name] = self._find_reference(type_name)
        return known

    @cached_property
    def _references(self) -> dict[str, _Reference]:
        return {}

    def _find_reference(self, type_name: str) -> _Reference:
        definition = cast("StrawberryObjectDefinition", self.schema_converter.type_map[type_name].definition)
        to_graphql = self.config.name_converter.from_field
        make: Callable[..., Any] = getattr(definition.origin, "resolve_reference", definition.origin)
        accepted = signature(make).parameters
        names = {to_graphql(field): field.python_name for field in definition.fields if field.python_name in accepted}
        return _Reference(make, names, wants_info="info" in accepted)


def build_schema(
    query: type,
    mutation: type | None = None,
    subscription: type | None = None,
    *,
    types: Iterable[type] = (),
    schema_directives: Iterable[object] = (),
) -> Schema:
    """Make the schema of a subgraph.

    Args:
        query: the root of reads.
        mutation: the root of writes; with it come the concrete errors that all subgraphs share.
        subscription: the root of what is told as it happens.
        types: what no field leads to, such as the entities that are only reached by reference and the
            concrete types of interfaces.
        schema_directives: directives on the schema itself.
    """
    return Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=[*types, *(SHARED_TYPES if mutation else ())],
        config=StrawberryConfig(scalar_map={CurrencyCode: CURRENCY_CODE}),
        schema_directives=schema_directives,
        federation_version=FEDERATION_VERSION,
    )
