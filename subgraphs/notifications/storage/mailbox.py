"""Mail without a mail server: each message becomes an .eml file that any mail program opens."""

from __future__ import annotations

import asyncio
import os
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from subgraphs.notifications.domain.messages import DeliveryError, Message


class FileMailbox:
    """Delivers mail into a folder; a message delivered twice is one file, because its name is the message's id."""

    def __init__(self, folder: Path, *, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def deliver(self, message: Message) -> None:
        """Write a message into the folder."""
        try:
            await asyncio.to_thread(self._write, message.id, self._mail(message).as_bytes())
        except OSError as error:
            raise DeliveryError(f"The mailbox folder cannot be written: {error.strerror}.", retryable=True) from error
        except ValueError as error:
            raise DeliveryError("The message cannot be put into a mail's form.") from error

    async def forget(self, message_id: str) -> None:
        """Remove a message from the folder, if it is there."""
        try:
            await asyncio.to_thread((self._folder / f"{message_id}.eml").unlink, missing_ok=True)
        except OSError as error:
            raise DeliveryError(f"The mailbox folder cannot be written: {error.strerror}.", retryable=True) from error

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        mail["To"] = message.recipient
        mail["Subject"] = message.words.subject
        mail["Date"] = format_datetime(message.created_at)
        mail["Message-ID"] = f"<{message.id}@storegraph.invalid>"
        mail["X-Storegraph-Topic"] = message.topic
        mail.set_content(message.words.text)
        mail.add_alternative(message.words.html, subtype="html")
        return mail

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f".{name}.{os.getpid()}"
        draft.write_bytes(content)
        draft.chmod(0o600)
        draft.replace(self._folder / f"{name}.eml")
