"""What two spellings of a document have in common: white space, comments and the order of definitions do not count."""

from __future__ import annotations

import hashlib
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    parse,
    print_ast,
)

_MOST_TOKENS: Final = 15_000
_INTROSPECTION: Final = frozenset({"__schema", "__type", "__typename"})


def fingerprint(document: DocumentNode) -> str:
    """Return a digest that equal documents have in common, however they are spelt."""
    printed = sorted(print_ast(definition) for definition in document.definitions)
    return hashlib.sha256("\n".join(printed).encode()).hexdigest()


def read(text: str) -> DocumentNode | None:
    """Parse a document; None where it is none."""
    try:
        return parse(text, no_location=True, max_tokens=_MOST_TOKENS)
    except (GraphQLError, RecursionError):
        return None


def only_introspects(document: DocumentNode) -> bool:
    """Tell whether all operations of a document ask for nothing but the schema, without fragments at the top."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    roots = [node for each in operations for node in each.selection_set.selections]
    return bool(roots) and all(isinstance(node, FieldNode) and node.name.value in _INTROSPECTION for node in roots)
