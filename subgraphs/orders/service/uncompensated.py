"""Steps that are never undone."""

from __future__ import annotations

from subgraphs.orders.domain.saga import Saga


class Uncompensated:
    """A step that nothing can follow but success, so that it is never undone."""

    async def undo(self, saga: Saga) -> None:
        """Leave things as they are."""
