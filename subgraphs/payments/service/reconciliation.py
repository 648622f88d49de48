"""Compares our books with what a provider says it has moved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from kernel.errors import InvalidInputError
from subgraphs.payments.domain.reconciliation import Reconciliation, compare
from subgraphs.payments.service.till import Till
from subgraphs.payments.storage import statement as statement_store

_SLACK: Final = timedelta(days=1)
"""How far the two sides' times of one movement may lie apart."""
_LONGEST: Final = timedelta(days=31)


class Reconciler:
    """Makes reports for whoever answers for the money."""

    def __init__(self, till: Till) -> None:
        self._till = till

    async def report(self, provider: str | None, since: datetime, until: datetime) -> Reconciliation:
        """Compare a time of at most a month, line by line; changes nothing.

        Raises:
            UnknownProviderError: no such provider.
            InvalidInputError: the time is none, or too long.
            OutcomeUnknownError: the provider gave no statement.
        """
        if not timedelta() < until - since <= _LONGEST:
            raise InvalidInputError("Name a time of at most 31 days, its beginning first.", path=("since",))
        name = provider or self._till.default_provider
        asked = self._till.provider(name).records(since - _SLACK, until + _SLACK)
        theirs = await self._till.ask(name, asked)
        within = [record for record in theirs if since <= record.at < until]
        async with self._till.database.session() as session:
            ours = await statement_store.lines_between(session, name, since, until)
            named = await statement_store.lines_of(session, name, [record.reference for record in theirs])
            undecided = await statement_store.undecided(session, name, since, until)
        known = {(line.kind, line.reference): line for line in named}
        wide = {(record.kind, record.reference) for record in theirs}
        # A line of ours may stand just outside of the time in the statement, and is there all the same.
        unmatched = [line for line in ours if (line.kind, line.reference) not in wide]
        return Reconciliation(
            provider=name,
            since=since,
            until=until,
            lines_here=len(ours),
            lines_at_provider=len(within),
            undecided=undecided,
            differences=compare(unmatched, within, known),
        )
