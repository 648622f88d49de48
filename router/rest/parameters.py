"""From the texts of a request to the variables of an operation, each by the GraphQL type of its variable.

Texts become numbers and truth values here; whether a number is in range or a JSON body fits its input type is seen when
the operation's variables are read, like those of every other request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLScalarType,
    GraphQLType,
)

from router.config import ConfigError
from router.rest.declaration import Range
from router.rest.schemas import nullable

Place: TypeAlias = Literal["path", "query", "header"]
Read: TypeAlias = Callable[[str], Any]

_INTEGER: Final = re.compile(r"-?\d{1,18}").fullmatch
_NUMBER: Final = re.compile(r"-?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,3})?").fullmatch
_RANGE: Final = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)?(?:\.\.|-)(\d{1,18}(?:\.\d{1,18})?)?").fullmatch


@dataclass(frozen=True, slots=True)
class Parameter:
    """A text of a request that goes into a variable.

    Attributes:
        name: as the client writes it.
        place: where it stands.
        variable: what it goes into.
        kind: the GraphQL type of that.
        required: whether it must be there.
        range: for a parameter of two bounds.
    """

    name: str
    place: Place
    variable: str
    kind: GraphQLType
    required: bool
    range: Range | None = None

    @property
    def many(self) -> bool:
        """Whether it may be given several times."""
        return isinstance(nullable(self.kind), GraphQLList)

    def read(self, texts: list[str]) -> Any:
        """Return the value of the variable.

        Raises:
            ValueError: a text does not fit; the message says what would.
        """
        if self.range is not None:
            return self._bounds(self.range, texts[-1])
        kind = nullable(self.kind)
        if isinstance(kind, GraphQLList):
            read = reader(kind.of_type)
            return [read(part) for text in texts for part in text.split(",")]
        if len(texts) > 1:
            raise ValueError("is given several times")
        return reader(kind)(texts[0])

    def _bounds(self, wanted: Range, text: str) -> dict[str, Any]:
        found = _RANGE(text.strip())
        if found is None or not (found[1] or found[2]):
            raise ValueError("must be two bounds such as 10..50, of which one may be left out")
        kind = nullable(self.kind)
        fields = kind.fields if isinstance(kind, GraphQLInputObjectType) else {}
        bounds = ((wanted.minimum, found[1]), (wanted.maximum, found[2]))
        return {key: reader(fields[key].type)(bound) for key, bound in bounds if bound}


def reader(kind: GraphQLType) -> Read:
    """Return what makes a value of a type out of a text."""
    inner = nullable(kind)
    if isinstance(inner, GraphQLEnumType):
        return lambda text: _enum(inner, text)
    return _READERS.get(str(inner), str)


def _enum(kind: GraphQLEnumType, text: str) -> str:
    if text not in kind.values:
        raise ValueError(f"must be one of {', '.join(sorted(kind.values))}")
    return text


def _integer(text: str) -> int:
    if not _INTEGER(text):
        raise ValueError("must be an integer")
    return int(text)


def _number(text: str) -> float:
    if not _NUMBER(text):
        raise ValueError("must be a number")
    return float(text)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


_READERS: Final[dict[str, Read]] = {"Int": _integer, "Float": _number, "Boolean": _truth}


def insist_on_text(parameter: Parameter) -> None:
    """Let a parameter pass that can be written as a text.

    Raises:
        ConfigError: its type is an object.
    """
    kind = nullable(parameter.kind)
    if isinstance(kind, GraphQLList):
        kind = nullable(kind.of_type)
    if parameter.range is not None:
        fits = isinstance(kind, GraphQLInputObjectType) and {parameter.range.minimum, parameter.range.maximum} <= set(
            kind.fields
        )
    else:
        fits = isinstance(kind, GraphQLScalarType | GraphQLEnumType)
    if not fits:
        raise ConfigError(f"'{parameter.name}' cannot be a text: ${parameter.variable} is of type {parameter.kind}")
