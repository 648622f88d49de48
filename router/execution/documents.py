"""From the text of a request to a valid operation, within bounds.

The bounds are held before validation, since validation itself is what hostile documents are written for: it unfolds
fragments and compares every two fields that share a response key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValidationRule,
    parse,
    specified_rules,
    validate,
)

from router.execution.errors import DocumentInvalidError, DocumentSyntaxError, OperationUnresolvedError
from router.execution.settings import DocumentLimits
from router.planner.deferral import STREAM

MAX_VALIDATION_ERRORS = 50


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document."""

    node: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """Return the operation to run, as the specification's GetOperation does.

        Raises:
            OperationUnresolvedError: there is none of that name, or no name was given and there are several.
        """
        if name is None:
            if len(self.operations) == 1:
                return next(iter(self.operations.values()))
            raise OperationUnresolvedError("Must provide operation name if query contains multiple operations.")
        if name not in self.operations:
            raise OperationUnresolvedError(f'Unknown operation named "{name}".')
        return self.operations[name]


def read_document(schema: GraphQLSchema, query: str, limits: DocumentLimits) -> Document:
    """Parse a document, hold it to the limits and validate it.

    Raises:
        DocumentSyntaxError: the text is no document, or has too many tokens.
        DocumentInvalidError: it breaks a limit or a rule of validation.
    """
    node = _parse(query, limits.tokens)
    document = _sort(node)
    if not document.operations:
        raise OperationUnresolvedError("The document contains no operation.")
    _hold(document, limits)
    if errors := validate(schema, node, _RULES, max_errors=MAX_VALIDATION_ERRORS):
        raise DocumentInvalidError("The document is not valid.", errors)
    return document


class InitialCountRule(ValidationRule):
    """A list that is streamed begins with no fewer than no items."""

    def enter_directive(self, node: DirectiveNode, *_place: object) -> None:
        """Look at `initialCount`."""
        for argument in node.arguments or () if node.name.value == STREAM else ():
            value = argument.value
            if argument.name.value == "initialCount" and isinstance(value, IntValueNode) and int(value.value) < 0:
                self.report_error(GraphQLError("initialCount of @stream must not be negative.", [value]))


_RULES = (*specified_rules, InitialCountRule)


def _parse(query: str, max_tokens: int) -> DocumentNode:
    try:
        return parse(query, max_tokens=max_tokens)
    except GraphQLError as error:
        raise DocumentSyntaxError("Syntax error.", [error]) from None
    except RecursionError:
        raise DocumentSyntaxError("The document is nested too deeply.") from None


def _sort(node: DocumentNode) -> Document:
    definitions = node.definitions
    operations = {
        each.name.value if each.name else None: each
        for each in definitions
        if isinstance(each, OperationDefinitionNode)
    }
    fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
    return Document(node, operations, fragments)


def _hold(document: Document, limits: DocumentLimits) -> None:
    measure = _Measure(document.fragments)
    try:
        sizes = [measure.selections(each.selection_set) for each in document.operations.values()]
    except RecursionError:
        raise DocumentInvalidError("The operation is nested too deeply.") from None
    for size in sizes:
        if size.depth > limits.depth:
            raise DocumentInvalidError(f"The operation is nested more than {limits.depth} levels deep.")
        if size.fields > limits.fields:
            raise DocumentInvalidError(f"The operation has more than {limits.fields} fields.")
    if measure.repeats > limits.repeats:
        raise DocumentInvalidError(f"A field is repeated more than {limits.repeats} times at one place.")


@dataclass(frozen=True, slots=True)
class _Size:
    """How large a selection set is with its fragments unfolded."""

    depth: int
    fields: int
    keys: Counter[str]


@dataclass(slots=True)
class _Measure:
    """Measures selection sets; each fragment once, however often it is spread."""

    fragments: Mapping[str, FragmentDefinitionNode]
    repeats: int = 0
    known: dict[str, _Size] = field(default_factory=dict)

    def selections(self, selection_set: SelectionSetNode | None) -> _Size:
        if selection_set is None:
            return _Size(0, 0, Counter())
        if not selection_set.selections:
            # The grammar demands one, but graphql-core's parser does not.
            raise DocumentSyntaxError("Syntax Error: a selection set selects nothing.")
        depth = fields = 0
        keys: Counter[str] = Counter()
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                below = self.selections(node.selection_set)
                depth, fields = max(depth, below.depth + 1), fields + below.fields + 1
                keys[node.alias.value if node.alias else node.name.value] += 1
                continue
            inner = self._unfold(node)
            depth, fields = max(depth, inner.depth), fields + inner.fields
            keys.update(inner.keys)
        self.repeats = max(self.repeats, max(keys.values(), default=0))
        return _Size(depth, fields, keys)

    def _unfold(self, node: SelectionNode) -> _Size:
        """Measure a fragment; one that leads to itself, or to nothing, is left for validation to name."""
        if isinstance(node, InlineFragmentNode):
            return self.selections(node.selection_set)
        if not isinstance(node, FragmentSpreadNode):
            raise TypeError(f"{node.kind} is no selection")
        name = node.name.value
        if name not in self.known:
            self.known[name] = _Size(0, 0, Counter())
            if name in self.fragments:
                self.known[name] = self.selections(self.fragments[name].selection_set)
        return self.known[name]
