"""Whose views are remembered, and how many are taken.

DomainError
└── TooManyViewsError    RATE_LIMITED
"""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import Final

from kernel.cache import LRU
from kernel.errors import DomainError, InvalidInputError

GUEST: Final = "gst_"
"""What the token of a guest's session begins with."""

SAME_VIEW: Final = timedelta(minutes=1)
"""A product that is looked at again so soon was not looked at twice."""
MOST_A_MINUTE: Final = 60
"""How many products one viewer can look at within a minute."""
MOST_NEW_GUESTS: Final = 120
"""How many sessions of guests one network address can open within a minute."""

_TOKEN: Final = re.compile(GUEST + r"[A-Za-z0-9_-]{22}")
_ADDRESSES: Final = 10_000


class TooManyViewsError(DomainError):
    """More views than a person makes."""

    default_code = "RATE_LIMITED"

    def __init__(self) -> None:
        super().__init__("Too many views. Try again in a minute.")


def new_session() -> str:
    """Make the token of a guest's session; who has it is the guest."""
    return GUEST + secrets.token_urlsafe(16)


def check_session(token: str) -> str:
    """Give the token back.

    Raises:
        InvalidInputError: it is none of ours.
    """
    if not _TOKEN.fullmatch(token):
        raise InvalidInputError("Not the token of a session; leave it out to get one.", path=("sessionToken",))
    return token


class NewGuests:
    """Counts the sessions that each network address opens in a minute; this process's part of a bound."""

    def __init__(self) -> None:
        self._opened: LRU[tuple[str, int], list[int]] = LRU(_ADDRESSES)

    def admit(self, address: str, now: float) -> None:
        """Let one more pass.

        Raises:
            TooManyViewsError: the address has opened too many.
        """
        minute = (address, int(now // 60))
        opened = self._opened.get(minute) or [0]
        opened[0] += 1
        self._opened.put(minute, opened)
        if opened[0] > MOST_NEW_GUESTS:
            raise TooManyViewsError
