"""What is done in somebody else's name leaves a trace, in whichever subgraph it is done.

Somebody of the shop may act in a customer's name for a while. A subgraph that is asked for a change then says so in its
outbox before it runs it, so that the attempt is known whatever becomes of it; users writes it into the log of accesses.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphql import DocumentNode, FieldNode, OperationDefinitionNode, OperationType

from kernel.database import Database
from kernel.events.catalogue import ChangedInSomebodysName
from kernel.events.outbox import record
from kernel.identity import Caller


def changes_of(document: DocumentNode, operation_name: str | None) -> tuple[str, ...]:
    """Name the mutations that a document asks for; the router sends them as plain fields of the operation."""
    return tuple(
        field.name.value
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode) and each.operation is OperationType.MUTATION
        if operation_name is None or (each.name is not None and each.name.value == operation_name)
        for field in each.selection_set.selections
        if isinstance(field, FieldNode)
    )


class Trace:
    """Writes down what is done in others' names in one subgraph."""

    def __init__(self, database: Database, subgraph: str) -> None:
        self._database = database
        self._subgraph = subgraph

    async def leave(self, caller: Caller, changes: Sequence[str]) -> None:
        """Say who is about to do what in whose name."""
        told = ChangedInSomebodysName(
            user_id=caller.id or "",
            actor_id=caller.impersonator or "",
            subgraph=self._subgraph,
            fields=tuple(changes),
        )
        async with self._database.transaction() as session:
            await record(session, told, subject=told.user_id)
