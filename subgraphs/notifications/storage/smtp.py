"""Mail through an SMTP server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import aiosmtplib

from subgraphs.notifications.domain.messages import DeliveryError, Message
from subgraphs.notifications.storage.mail import mail_of

_NOBODY_THERE: Final = frozenset({550, 551, 553})
"""What a server says about a mailbox that is not there; other permanent refusals are about the mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpMail:
    """Hands mail to a server; each over a connection of its own, so that nothing is kept that may have been lost."""

    host: str
    port: int
    sender: str
    security: Literal["none", "starttls", "tls"] = "starttls"
    user: str | None = None
    password: str | None = None
    patience: float = 20.0

    async def deliver(self, message: Message) -> None:
        """Hand a message over."""
        mail = mail_of(message, self.sender)
        try:
            await aiosmtplib.send(
                mail,
                hostname=self.host,
                port=self.port,
                username=self.user,
                password=self.password,
                use_tls=self.security == "tls",
                start_tls=self.security == "starttls",
                timeout=self.patience,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            refusal = error.recipients[0]
            raise _refused(refusal.code, refusal.message) from error
        except aiosmtplib.SMTPAuthenticationError as error:
            raise DeliveryError("The mail server does not accept our account.", retryable=True) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error.code, error.message) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"The mail server was not reached: {type(error).__name__}.", retryable=True) from error

    async def forget(self, message_id: str) -> None:
        """Do nothing: what has left cannot be called back."""


def _refused(code: int, message: str) -> DeliveryError:
    return DeliveryError(f"{code} {message}"[:500], retryable=code < 500, bounced=code in _NOBODY_THERE)
