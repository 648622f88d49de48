"""Operations generated from a schema, so that what is tested for every root field is tested for new ones too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    is_enum_type,
    is_required_argument,
)

SOME_WORDS = {
    "country": "DE",
    "currency": "EUR",
    "email": "somebody@example.com",
    "language": "en",
    "postalCode": "10115",
    "phone": "+49 30 123456",
    "sku": "NO-SUCH-SKU",
    "url": "https://example.com/",
}
"""What is sensible for an argument or input field of that name, so that its value is not what a call is refused for."""
_SOME_VALUES = {
    "Boolean": "true",
    "CurrencyCode": '"EUR"',
    "Date": '"2026-01-01"',
    "DateTime": '"2026-01-01T00:00:00Z"',
    "Decimal": '"1.00"',
    "Float": "1.0",
    "Int": "1",
}
_FEDERATION = {"_entities", "_service"}


@dataclass(frozen=True, slots=True)
class Operations:
    """Makes operations of a schema; `words` are the values of arguments by their names."""

    schema: GraphQLSchema
    words: Mapping[str, str] = field(default_factory=lambda: SOME_WORDS)

    def roots(self) -> Iterator[tuple[str, str, GraphQLField]]:
        """Give each root field: the kind of its operation, its name, its definition."""
        types = (self.schema.query_type, self.schema.mutation_type, self.schema.subscription_type)
        for kind, type_ in zip(("query", "mutation", "subscription"), types, strict=True):
            for name, defined in (type_.fields if type_ else {}).items():
                if name not in _FEDERATION:
                    yield kind, name, defined

    def document(self, name: str, some_id: str, depth: int = 4) -> str:
        """Call a root field with `some_id` wherever an id is wanted, and ask for all that is told without arguments."""
        kind, defined = next((kind, each) for kind, other, each in self.roots() if other == name)
        arguments = ", ".join(
            f"{each}: {self._literal(each, argument.type, some_id)}"
            for each, argument in defined.args.items()
            if isinstance(argument.type, GraphQLNonNull) or each in {"first", "currentPassword", "id"}
        )
        called = f"{name}({arguments})" if arguments else name
        return f"{kind} {{ {called} {self._selection(defined.type, depth, ())} }}"

    def inputs(self, name: str) -> set[str]:
        """Name all that can be said to a root field: its arguments, and the fields of its inputs at any depth."""
        wanted = list(next(each for _, other, each in self.roots() if other == name).args.items())
        found: set[str] = set()
        while wanted:
            said, defined = wanted.pop()
            type_ = _named(defined.type)
            if isinstance(type_, GraphQLInputObjectType) and said not in found:
                wanted += type_.fields.items()
            found.add(said)
        return found

    def takes_ids(self, name: str) -> bool:
        """Whether an id occurs anywhere in the arguments of a root field that must be given."""
        return "the-id-itself" in self.document(name, "the-id-itself", 0)

    def _literal(self, name: str, type_: Any, some_id: str) -> str:
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if isinstance(type_, GraphQLList):
            return f"[{self._literal(name.removesuffix('s'), type_.of_type, some_id)}]"
        if isinstance(type_, GraphQLInputObjectType):
            fields = type_.fields.items()
            wanted = [(each, one) for each, one in fields if isinstance(one.type, GraphQLNonNull)] or list(fields)[:1]
            return "{" + ", ".join(f"{each}: {self._literal(each, one.type, some_id)}" for each, one in wanted) + "}"
        if is_enum_type(type_):
            return str(next(iter(type_.values)))
        if type_.name == "ID":
            return f'"{some_id}"'
        return _SOME_VALUES.get(type_.name) or f'"{self.words.get(name, "some text")}"'

    def _selection(self, type_: Any, depth: int, above: tuple[str, ...]) -> str:
        named = _named(type_)
        if not isinstance(named, (GraphQLObjectType, GraphQLInterfaceType)):
            return "{ __typename }" if hasattr(named, "types") else ""
        chosen = ["__typename"]
        for name, each in named.fields.items():
            inner = _named(each.type)
            composite = hasattr(inner, "fields") or hasattr(inner, "types")
            if any(is_required_argument(argument) for argument in each.args.values()):
                continue
            if composite and (not depth or inner.name in above):
                continue
            chosen.append(f"{name} {self._selection(each.type, depth - 1, (*above, named.name))}".strip())
        return "{ " + " ".join(chosen) + " }"


def _named(type_: Any) -> Any:
    while hasattr(type_, "of_type"):
        type_ = type_.of_type
    return type_


def codes(answer: Mapping[str, Any]) -> set[str]:
    """Give every code of an error in an answer: of the operation, and of the payloads in its data."""
    told = {error.get("extensions", {}).get("code", "") for error in answer.get("errors") or ()}
    for payload in (answer.get("data") or {}).values():
        if isinstance(payload, dict):
            told |= {error.get("code", "") for error in payload.get("errors") or ()}
    return told
