"""Which passwords are accepted, and in which form they are compared."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

from subgraphs.users.domain.errors import WeakPasswordError

SHORTEST: Final = 8
LONGEST: Final = 256


@cache
def common_passwords() -> frozenset[str]:
    """Read the passwords that attackers try first, in lower case; the file says where they come from."""
    lines = files("subgraphs.users.domain").joinpath("common_passwords.txt").read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#!"))


def normalise_password(text: str) -> str:
    """Bring a password into the form that is hashed, so that every keyboard spells an accent alike (NIST 800-63B).

    What is longer than any password can be is cut to a length at which it is still none, so that it costs no more.
    """
    return unicodedata.normalize("NFKC", text[: 4 * LONGEST])[: LONGEST + 1]


def check_new_password(password: str, *, email: str) -> str:
    """Return a new password, normalised.

    Any characters will do and none are demanded; the length decides, and whether everybody else would guess it.

    Raises:
        WeakPasswordError: too short, too long, the e-mail address itself, or one of those that are tried first.
    """
    normalised = normalise_password(password)
    if not SHORTEST <= len(normalised) <= LONGEST:
        raise WeakPasswordError(f"A password has {SHORTEST} to {LONGEST} characters.")
    if normalised.casefold() in {email, email.partition("@")[0]}:
        raise WeakPasswordError("The e-mail address is no password.")
    if normalised.casefold() in common_passwords():
        raise WeakPasswordError("This password is among those that are guessed first.")
    return normalised
