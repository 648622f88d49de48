"""Which published operations a schema would break, and whom that would hit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphql import GraphQLSchema, validate

from router.operations.fingerprint import read
from router.operations.manifest import StoredOperation

_MOST_REASONS = 5


@dataclass(frozen=True, slots=True)
class Breakage:
    """An operation that a schema does not allow, and why."""

    operation: StoredOperation
    reasons: tuple[str, ...]


def breakages(schema: GraphQLSchema, operations: Iterable[StoredOperation]) -> list[Breakage]:
    """Return the operations that are not valid on a schema, those of one client together."""
    found = [Breakage(each, reasons) for each in operations if (reasons := _reasons(schema, each.body))]
    return sorted(found, key=lambda each: (each.operation.client or "", each.operation.name, each.operation.id))


def _reasons(schema: GraphQLSchema, text: str) -> tuple[str, ...]:
    document = read(text)
    if document is None:
        return ("it is not GraphQL",)
    return tuple(error.message for error in validate(schema, document, max_errors=_MOST_REASONS))
