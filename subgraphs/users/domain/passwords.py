"""Which passwords are accepted, and in which form they are compared."""

from __future__ import annotations

import unicodedata
from typing import Final

from subgraphs.users.domain.errors import WeakPasswordError

SHORTEST: Final = 8
LONGEST: Final = 256


def normalise_password(text: str) -> str:
    """Bring a password into the form that is hashed, so that every keyboard spells an accent alike (NIST 800-63B).

    What is longer than any password can be is cut to a length at which it is still none, so that it costs no more.
    """
    return unicodedata.normalize("NFKC", text[: 4 * LONGEST])[: LONGEST + 1]


def check_new_password(password: str, *, email: str) -> str:
    """Return a new password, normalised.

    Any characters will do and none are demanded; the length decides.

    Raises:
        WeakPasswordError: too short, too long, or the e-mail address itself.
    """
    normalised = normalise_password(password)
    if not SHORTEST <= len(normalised) <= LONGEST:
        raise WeakPasswordError(f"A password has {SHORTEST} to {LONGEST} characters.")
    if normalised.casefold() in {email, email.partition("@")[0]}:
        raise WeakPasswordError("The e-mail address is no password.")
    return normalised
