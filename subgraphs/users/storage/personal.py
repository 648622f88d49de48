"""What identifies a person, sealed under a key of that person's own, and blinded where it must be found.

Each account has a data key, wrapped by the shop's ring. Everything personal is sealed under it, bound to the table and
the account; erasing somebody destroys the data key, and with it every copy of these columns, in backups too. Exact
e-mail addresses are found by a keyed hash; the staff's search by keyed hashes of the beginnings of words, which tell a
reader of the database no more than that two people share a beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from kernel.sealing import KeyRing, new_key, seal, unseal

_LONGEST_BEGINNING: Final = 24


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one person."""

    user_id: str
    secret: bytes
    wrapped: bytes

    def seal(self, place: str, values: Mapping[str, Any]) -> bytes:
        """Seal values for a place, which is the name of a table."""
        return seal(self.secret, orjson.dumps(dict(values), default=_spelled), context=f"{place}:{self.user_id}")

    def unseal(self, place: str, sealed: bytes) -> dict[str, Any]:
        """Open what was sealed for a place.

        Raises:
            UnsealError: it belongs elsewhere.
        """
        return orjson.loads(unseal(self.secret, sealed, context=f"{place}:{self.user_id}"))


@dataclass(frozen=True, slots=True)
class PersonalKeys:
    """Makes and opens data keys, and blinds what must be found."""

    ring: KeyRing

    def make(self, user_id: str) -> DataKey:
        """Make the key of a new account."""
        secret = new_key()
        return DataKey(user_id, secret, self.ring.wrap(secret, context=user_id))

    def open(self, user_id: str, wrapped: bytes) -> DataKey:
        """Open the key of an account."""
        return DataKey(user_id, self.ring.unwrap(wrapped, context=user_id), wrapped)

    def rewrap(self, user_id: str, wrapped: bytes) -> bytes:
        """Wrap a key under the ring's newest."""
        return self.ring.wrap(self.ring.unwrap(wrapped, context=user_id), context=user_id)

    def email_index(self, email: str) -> bytes:
        """Give the hash under which an account is found by its normalised address."""
        return self.ring.blind("email", email)

    def subject_index(self, provider: str, subject: str) -> bytes:
        """Give the hash under which an account is found by its name at another provider."""
        return self.ring.blind(f"subject {provider}", subject)

    def search_tokens(self, *, email: str, name: str) -> list[int]:
        """Give the hashes of everything that a search for this person may begin with."""
        beginnings = {("email", each) for each in _beginnings(email)}
        beginnings |= {("name", each) for word in words_of(name) for each in _beginnings(word)}
        return sorted(self._token(kind, text) for kind, text in beginnings)

    def tokens_sought(self, kind: str, texts: Iterable[str]) -> list[int]:
        """Give the hashes that somebody must have whose e-mail, or whose name's words, begin with these texts."""
        return [self._token(kind, text[:_LONGEST_BEGINNING]) for text in texts]

    def _token(self, kind: str, text: str) -> int:
        return int.from_bytes(self.ring.blind(f"search {kind}", text)[:8], "big", signed=True)


def words_of(text: str) -> list[str]:
    """Split a text into the words that a search goes by."""
    return re.findall(r"\w+", text.lower())


def _beginnings(text: str) -> list[str]:
    return [text[:length] for length in range(1, min(len(text), _LONGEST_BEGINNING) + 1)]


def _spelled(value: object) -> Any:
    """Spell what JSON has no word for: sets of roles and methods."""
    return sorted(value) if isinstance(value, frozenset) else str(value)
