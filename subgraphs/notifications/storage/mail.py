"""A message in the form of a mail."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from subgraphs.notifications.domain.messages import DeliveryError, Message


def mail_of(message: Message, sender: str) -> EmailMessage:
    """Make a mail with a plain text and an HTML part.

    Raises:
        DeliveryError: something in it cannot be put into a mail's form.
    """
    try:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = sender
        mail["To"] = message.recipient
        mail["Subject"] = message.words.subject
        mail["Date"] = format_datetime(message.created_at)
        mail["Message-ID"] = f"<{message.id}@storegraph.invalid>"
        mail["X-Storegraph-Topic"] = message.topic
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.words.text)
        mail.add_alternative(message.words.html, subtype="html")
    except ValueError as error:
        raise DeliveryError("The message cannot be put into a mail's form.") from error
    return mail
