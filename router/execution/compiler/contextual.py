"""Fetches whose arguments are filled from enclosing objects (`@fromContext`).

The objects of such a fetch fall into groups, one for each combination of values. All groups travel in one request, each
as an `_entities` field under an alias and with variables of its own; how many there are is known only when the request
is made, so its document is put together then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphql import Lexer, OperationDefinitionNode, Source, TokenKind, parse, print_ast
from graphql.utilities import strip_ignored_characters

from router.execution.compiler.contexts import in_order
from router.execution.transports.port import SubgraphOperation
from router.planner.plan import EntityCall, Fetch


@dataclass(frozen=True, slots=True, eq=False)
class ContextualFetch:
    """A fetch with contexts, and what its requests are made of.

    Attributes:
        call: its entity call.
        plain: what is sent where there is one group only.
        variables: the names of its own variables: that of the representations, then those of the values in the order in
            which they are met.
        shared: the definitions of the client's variables.
        own: the definitions of its own variables, cut into names and what is between them.
        field: the `_entities` field, cut likewise.
        mark: set between a name and the number of a group.
    """

    call: EntityCall
    plain: SubgraphOperation
    variables: tuple[str, ...]
    shared: str
    own: tuple[str, ...]
    field: tuple[str, ...]
    mark: str

    @classmethod
    def of(cls, fetch: Fetch, operation: SubgraphOperation) -> ContextualFetch:
        """Cut up the document of a fetch."""
        (call,) = fetch.entities
        variables = (call.variable, *(value.variable for value in in_order(call)))
        node = next(each for each in parse(fetch.document).definitions if isinstance(each, OperationDefinitionNode))
        definitions = {each.variable.name.value: print_ast(each) for each in node.variable_definitions or ()}
        mark = "_"
        while any(name.startswith(tuple(f"{own}{mark}" for own in variables)) for name in fetch.variables):
            mark += "_"
        return cls(
            call,
            operation,
            variables,
            ",".join(text for name, text in definitions.items() if name not in variables),
            tuple(_pieces(",".join(definitions[name] for name in variables), variables)),
            tuple(_pieces(strip_ignored_characters(print_ast(node.selection_set.selections[0])), variables)),
            mark,
        )

    def operation(self, asked: Mapping[str, object]) -> SubgraphOperation:
        """Return what to send for all groups, given their variables."""
        count = len(asked) // len(self.variables)
        if count == 1:
            return self.plain
        definitions = [*filter(None, [self.shared]), *(self._numbered(self.own, number) for number in range(count))]
        fields = (f"{self.alias(number, count)}:{self._numbered(self.field, number)}" for number in range(count))
        document = f"query({','.join(definitions)}){{{' '.join(fields)}}}"
        return SubgraphOperation(self.plain.subgraph, self.plain.kind, document, self.plain.operation_name)

    def alias(self, number: int, count: int) -> str:
        """Return the key under which the entities of a group come back."""
        return self.call.alias if count == 1 else f"_e{number}"

    def bind(self, number: int, count: int, values: Iterable[object]) -> Iterator[tuple[str, object]]:
        """Yield the variables of a group with their values."""
        suffix = "" if count == 1 else f"{self.mark}{number}"
        return ((f"{name}{suffix}", value) for name, value in zip(self.variables, values, strict=True))

    def _numbered(self, pieces: Sequence[str], number: int) -> str:
        return f"{self.mark}{number}".join(pieces)


def contextual_fetches(
    fetches: Iterable[Fetch], operations: Sequence[SubgraphOperation]
) -> Mapping[int, ContextualFetch]:
    """Return those fetches whose calls have contexts, by id."""
    return {
        fetch.id: ContextualFetch.of(fetch, operations[fetch.id])
        for fetch in fetches
        if any(call.contexts for call in fetch.entities)
    }


def _pieces(text: str, variables: Sequence[str]) -> Iterator[str]:
    """Cut a text after each name of a variable."""
    lexer = Lexer(Source(text))
    begin, is_variable = 0, False
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        if is_variable and token.value in variables:
            yield text[begin : token.end]
            begin = token.end
        is_variable = token.kind is TokenKind.DOLLAR
    yield text[begin:]
