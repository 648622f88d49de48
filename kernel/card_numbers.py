"""Keeps card numbers out: no text that looks like one is taken, so none is ever stored or logged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from kernel.errors import InvalidInputError

_DIGITS: Final = re.compile(r"(?<!\d)\d(?:[ -]?\d){11,18}(?!\d)")


def has_card_number(text: str) -> bool:
    """Tell whether a text holds 12 to 19 digits, perhaps spaced, whose check digit is that of a card."""
    return any(_passes_luhn(re.sub(r"\D", "", found)) for found in _DIGITS.findall(text))


def refuse_card_numbers(text: str, *, path: Sequence[str]) -> None:
    """Let a text pass that holds no card number.

    Raises:
        InvalidInputError: it holds one; the message does not repeat it.
    """
    if has_card_number(text):
        raise InvalidInputError("Send the token that the payment provider made, never a card's number.", path=path)


def _passes_luhn(digits: str) -> bool:
    doubled = [int(each) * 2 for each in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(each - 9 if each > 9 else each for each in doubled)) % 10 == 0
