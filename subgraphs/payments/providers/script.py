"""The sandbox provider's tokens: each is a little script of what will happen.

tok_approve                charges
tok_decline_<code>         declines with that code, such as tok_decline_insufficient_funds
tok_timeout                charges, but the first answer is lost
tok_timeout_uncharged      loses the first request before charging; the next one charges
tok_3ds                    sends the buyer to a step first; they decide there, and a webhook tells
tok_partial_capture        holds all, but gives half of what is captured
tok_webhook                charges, and tells by webhook too, at once
tok_webhook_duplicate      charges, and tells three times
tok_webhook_late           charges, and tells an hour later
tok_webhook_only           charges, but no answer comes: only the webhook tells
tok_chargeback             charges, and the buyer disputes it; the messages come in the wrong order
tok_chargeback_won         the same, and the bank decides for the shop
tok_fee                    charges, and keeps 2 % of it
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

APPROVE: Final = "tok_approve"
DECLINE: Final = "tok_decline_"


class Silence(StrEnum):
    """Which answers do not come."""

    NEVER = "NEVER"
    FIRST = "FIRST"
    FIRST_UNCHARGED = "FIRST_UNCHARGED"
    ALWAYS = "ALWAYS"


class Dispute(StrEnum):
    """Whether the buyer disputes the charge."""

    NONE = "NONE"
    OPEN = "OPEN"
    WON = "WON"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What happens with a token."""

    decline_code: str = ""
    silence: Silence = Silence.NEVER
    asks_buyer: bool = False
    halves_captures: bool = False
    webhooks: tuple[float, ...] = ()
    """After how many seconds each webhook about the charge is sent."""
    dispute: Dispute = Dispute.NONE
    fee_percent: int = 0


_SCRIPTS: Final = {
    APPROVE: Script(),
    "tok_timeout": Script(silence=Silence.FIRST),
    "tok_timeout_uncharged": Script(silence=Silence.FIRST_UNCHARGED),
    "tok_3ds": Script(asks_buyer=True),
    "tok_partial_capture": Script(halves_captures=True),
    "tok_webhook": Script(webhooks=(0,)),
    "tok_webhook_duplicate": Script(webhooks=(0, 0, 1)),
    "tok_webhook_late": Script(webhooks=(3600,)),
    "tok_webhook_only": Script(silence=Silence.ALWAYS, webhooks=(0,)),
    "tok_chargeback": Script(dispute=Dispute.OPEN),
    "tok_chargeback_won": Script(dispute=Dispute.WON),
    "tok_fee": Script(fee_percent=2),
}


def script_of(token: str) -> Script:
    """Read a token; one that is not known is declined."""
    if token.startswith(DECLINE):
        return Script(decline_code=token.removeprefix(DECLINE)[:64] or "generic")
    return _SCRIPTS.get(token, Script(decline_code="invalid_token"))
