"""Variables: coerced once, as the specification says, before anything runs.

Most values need no change, and seeing that they need none is cheap. So each declaration is compiled to a check that
accepts the plain cases; whatever it does not accept goes the long way through graphql-core, which coerces or explains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    OperationDefinitionNode,
    VariableDefinitionNode,
    get_variable_values,
    type_from_ast,
)

from router.execution.errors import BadUserInputError

Check: TypeAlias = Callable[[Any], bool]

MAX_INT = 2**31 - 1
MAX_ERRORS = 20


def _is_plain_int(value: Any) -> bool:
    return type(value) is int and -MAX_INT <= value <= MAX_INT


def _is_plain_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_INT


def _is_plain_text(value: Any) -> bool:
    return type(value) is str


def _is_plain_flag(value: Any) -> bool:
    return value is True or value is False


PLAIN: Mapping[str, Check] = {
    "Int": _is_plain_int,
    "String": _is_plain_text,
    "ID": _is_plain_text,
    "Boolean": _is_plain_flag,
}


@dataclass(frozen=True, slots=True)
class VariableReader:
    """Coerces the variables of one operation."""

    schema: GraphQLSchema
    definitions: tuple[VariableDefinitionNode, ...]
    checks: Mapping[str, Check | None]
    optional: frozenset[str]
    counts: frozenset[str] = frozenset()
    """Those that tell how many items of a list come first."""

    @classmethod
    def of(cls, schema: GraphQLSchema, operation: OperationDefinitionNode) -> VariableReader:
        """Prepare for the variables that an operation declares."""
        definitions = tuple(operation.variable_definitions or ())
        types = {each.variable.name.value: type_from_ast(schema, each.type) for each in definitions}
        optional = frozenset(
            each.variable.name.value
            for each in definitions
            if each.default_value is None and not isinstance(types[each.variable.name.value], GraphQLNonNull)
        )
        return cls(schema, definitions, {name: _plain_check(kind) for name, kind in types.items()}, optional)

    def with_counts(self, names: frozenset[str]) -> VariableReader:
        """Return a reader to which some variables are counts, which are never negative."""
        checks = {name: _is_plain_count if name in names else check for name, check in self.checks.items()}
        return replace(self, checks=checks, counts=names)

    def read(self, given: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Coerce what a client sent.

        Raises:
            BadUserInputError: a value does not fit its declaration.
        """
        if not self.checks:
            return {}
        values: dict[str, Any] = {}
        given = given or {}
        for name, check in self.checks.items():
            if name in given:
                value = given[name]
                if check is None or not check(value):
                    return self._read_all(given)
                values[name] = value
            elif name not in self.optional:
                return self._read_all(given)
        return values

    def _read_all(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        result = get_variable_values(self.schema, self.definitions, dict(given), max_errors=MAX_ERRORS)
        if isinstance(result, list):
            raise BadUserInputError("The variables do not fit.", result)
        for name in self.counts:
            if (value := result.coerced.get(name, 0)) is None or value < 0:
                message = f'Variable "${name}" is the initialCount of a @stream, which must not be negative or null.'
                raise BadUserInputError("The variables do not fit.", [GraphQLError(message)])
        return result.coerced


def _plain_check(kind: GraphQLType | None) -> Check | None:
    inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(inner, GraphQLEnumType):
        values = frozenset(inner.values)
        return lambda value: type(value) is str and value in values
    if isinstance(inner, GraphQLScalarType):
        return PLAIN.get(inner.name)
    return None
