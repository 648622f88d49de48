"""Take notes of who looks at what."""

from __future__ import annotations

from typing import Final

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.events.catalogue import ProductViewed
from kernel.events.outbox import record
from kernel.identity import Caller, require
from kernel.search_words import search_words
from subgraphs.recommendations.domain.viewing import (
    MOST_A_MINUTE,
    SAME_VIEW,
    NewGuests,
    TooManyViewsError,
    check_session,
    new_session,
)
from subgraphs.recommendations.storage import viewing as storage

_USERS: Final = ("customer", "vendor", "staff", "admin")


class Viewing:
    """Records views as events; their effects follow from those."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._new_guests = NewGuests()

    async def view(self, caller: Caller, product_id: str, session_token: str | None, searched: str) -> str | None:
        """Record that somebody looks at a product; give a guest the token of the session.

        Raises:
            InvalidInputError: the token is none of ours.
            NotFoundError: there is no such product.
            TooManyViewsError: more than a person looks at.
        """
        guest = None if _is_user(caller) else self._guest(caller, session_token)
        now = self._clock.now()
        async with self._database.transaction() as session:
            found = await storage.standing(session, guest or caller.id or "", product_id, now - SAME_VIEW)
            if found.recognised:
                guest = self._guest(caller, None)
            if not found.known:
                raise NotFoundError("There is no such product.", path=("id",))
            if found.last_at is not None and found.last_at > now - SAME_VIEW:
                return guest
            if found.recent >= MOST_A_MINUTE:
                raise TooManyViewsError
            viewed = ProductViewed(
                product_id=product_id,
                customer_id=None if guest else caller.id,
                session=guest or "",
                viewed_at=now.isoformat(),
                searched=search_words(searched),
            )
            await record(session, viewed, subject=product_id)
        return guest

    async def merge(self, caller: Caller, session_token: str) -> None:
        """Give the user who is logged in what was viewed in a guest's session.

        Raises:
            UnauthenticatedError | ForbiddenError: no user is logged in.
            InvalidInputError: the token is none of ours.
        """
        user = require(caller, kinds=_USERS)
        guest = check_session(session_token)
        async with self._database.transaction() as session:
            await storage.merge(session, guest, user, self._clock.now())

    def _guest(self, caller: Caller, session_token: str | None) -> str:
        if session_token is not None:
            return check_session(session_token)
        if caller.client.address:
            self._new_guests.admit(caller.client.address, self._clock.now().timestamp())
        return new_session()


def viewer_of(caller: Caller, session_token: str | None) -> str | None:
    """Tell whose views a caller may see: the user's own, or those of the guest whose token it brings."""
    if _is_user(caller):
        return caller.id
    return check_session(session_token) if session_token else None


def _is_user(caller: Caller) -> bool:
    return caller.authenticated and not caller.is_service
