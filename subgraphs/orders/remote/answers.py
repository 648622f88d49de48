"""Reading the answers of other subgraphs: amounts, and refusals in payloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kernel.errors import ConflictError
from kernel.money import Money


def money(value: Mapping[str, str]) -> Money:
    """Read an amount."""
    return Money.parse(value["amount"], value["currency"])


def money_input(amount: Money) -> dict[str, str]:
    """Spell an amount as input."""
    return {"amount": str(amount.amount), "currency": amount.currency}


def refuse(errors: Sequence[Mapping[str, Any]]) -> None:
    """Raise what a payload refuses, under its own code.

    Raises:
        ConflictError: there is an error in the payload.
    """
    for error in errors:
        raise ConflictError(error["message"], code=error["code"], path=error.get("path") or ())
