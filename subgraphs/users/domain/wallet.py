"""What somebody pays with, as tokens of the payment provider, and what they agreed to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.errors import InvalidInputError

MOST_PER_USER: Final = 20
_CARD_NUMBER: Final = re.compile(r"(?:\d[ -]?){12,19}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{4,200}")
_LABEL: Final = re.compile(r"[\w .•*-]{1,60}")


class ConsentPurpose(StrEnum):
    """What somebody can agree to."""

    MARKETING_EMAIL = "marketing_email"
    PERSONALISATION = "personalisation"
    ANALYTICS = "analytics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Somebody agreed to something, or took it back."""

    purpose: ConsentPurpose
    granted: bool
    wording: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """A way to pay: the provider's token, and how its owner recognises it."""

    id: str
    user_id: str
    token: str
    label: str
    is_default: bool
    created_at: datetime

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.token) or _CARD_NUMBER.fullmatch(self.token):
            raise InvalidInputError(
                "Send the token that the payment provider made, never a card's number.", path=_TOKEN_PATH
            )
        if not _LABEL.fullmatch(self.label) or _CARD_NUMBER.search(self.label):
            raise InvalidInputError("A label has 1 to 60 characters, and no card's number.", path=("input", "label"))


_TOKEN_PATH: Final = ("input", "token")
