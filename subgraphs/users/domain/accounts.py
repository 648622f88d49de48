"""An account and the text it is made of: normalised e-mail addresses, names, and changes that know their own size."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from kernel.errors import InvalidInputError
from kernel.ids import new_id
from kernel.money import CURRENCIES
from subgraphs.users.domain.roles import Role

_LONGEST_EMAIL: Final = 254
_LONGEST_NAME: Final = 200
_EMAIL: Final = re.compile(r"[^\s@\"(),:;<>\[\\\]]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()./-]{3,30}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person (or a vendor's clerk) that the shop knows by e-mail address."""

    id: str
    email: str
    name: str
    phone: str | None
    language: str
    currency: str | None = None
    roles: frozenset[Role]
    email_verified_at: datetime | None = None
    version: int
    created_at: datetime
    updated_at: datetime


def new_account(
    email: str, name: str, *, roles: frozenset[Role], at: datetime, language: str = "en", verified: bool = False
) -> Account:
    """Make the account that somebody begins with; `email`, `name` and `language` are checked already."""
    return Account(
        id=new_id("usr"),
        email=email,
        name=name,
        phone=None,
        language=language,
        roles=roles,
        email_verified_at=at if verified else None,
        version=1,
        created_at=at,
        updated_at=at,
    )


def normalise_email(text: str) -> str:
    """Bring an e-mail address into the one form under which it is unique.

    The whole address is lower-cased: the standard allows a mailbox to tell `Ann@` from `ann@`, but no provider that
    matters does, while people type both. The domain is put into its ASCII form.

    Raises:
        InvalidInputError: it cannot be an e-mail address.
    """
    mailbox, separator, domain = unicodedata.normalize("NFC", text.strip()).lower().rpartition("@")
    email = f"{mailbox}{separator}{_ascii(domain)}"
    if len(email) > _LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        raise InvalidInputError("This is not an e-mail address.", path=("input", "email"))
    return email


def checked_name(text: str) -> str:
    """Return a person's name with its blanks tidied.

    Raises:
        InvalidInputError: it is empty, too long or holds control characters.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 0 < len(name) <= _LONGEST_NAME or any(unicodedata.category(each) == "Cc" for each in name):
        raise InvalidInputError(f"A name has 1 to {_LONGEST_NAME} characters.", path=("input", "name"))
    return name


def checked_phone(text: str) -> str:
    """Return a phone number as it was written.

    Raises:
        InvalidInputError: it has other characters than a phone number has.
    """
    if not _PHONE.fullmatch(text.strip()):
        raise InvalidInputError("This is not a phone number.", path=("input", "phone"))
    return text.strip()


def checked_language(text: str) -> str:
    """Return a language tag such as `en` or `de-AT`.

    Raises:
        InvalidInputError: it is none.
    """
    if not _LANGUAGE.fullmatch(text):
        raise InvalidInputError("A language is written like en or de-AT.", path=("input", "language"))
    return text


def change_profile(account: Account, wanted: Mapping[str, str | None]) -> tuple[Account, tuple[str, ...]]:
    """Apply wanted values to a profile; also name the fields that really changed.

    A phone number or a preferred currency may be cleared with None, the other fields may not.
    """
    values: dict[str, Any] = {field: _checked(field, value) for field, value in wanted.items()}
    changed = tuple(field for field, value in values.items() if getattr(account, field) != value)
    return replace(account, **{field: values[field] for field in changed}), changed


def checked_currency(text: str) -> str:
    """Return the code of a currency that the shop knows.

    Raises:
        InvalidInputError: it is none.
    """
    if text not in CURRENCIES:
        raise InvalidInputError("Not the code of a currency that the shop knows.", path=("input", "currency"))
    return text


_CHECKS: Final = {
    "name": checked_name,
    "phone": checked_phone,
    "language": checked_language,
    "currency": checked_currency,
}


def _checked(field: str, value: str | None) -> str | None:
    if value is None and field in {"phone", "currency"}:
        return None
    if value is None:
        raise InvalidInputError(f"The {field} cannot be cleared.", path=("input", field))
    return _CHECKS[field](value)


def _ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain
