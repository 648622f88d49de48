"""Delivery without any server: each message becomes a file in a folder, a mail one that any mail program opens."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import orjson

from subgraphs.notifications.domain.messages import Channel, DeliveryError, Message
from subgraphs.notifications.storage.mail import mail_of


class FileMailbox:
    """Delivers into a folder; a message delivered twice is one file, because its name is the message's id."""

    def __init__(self, folder: Path, *, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def deliver(self, message: Message) -> None:
        """Write a message into the folder."""
        mail = message.channel is Channel.EMAIL
        content = mail_of(message, self._sender).as_bytes() if mail else _note_of(message)
        name = f"{message.id}.eml" if mail else f"{message.id}.{message.channel}.json"
        try:
            await asyncio.to_thread(self._write, name, content)
        except OSError as error:
            raise DeliveryError(f"The mailbox folder cannot be written: {error.strerror}.", retryable=True) from error

    async def forget(self, message_id: str) -> None:
        """Remove a message from the folder, if it is there."""
        try:
            await asyncio.to_thread(self._remove, message_id)
        except OSError as error:
            raise DeliveryError(f"The mailbox folder cannot be written: {error.strerror}.", retryable=True) from error

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f".{name}.{os.getpid()}"
        draft.write_bytes(content)
        draft.chmod(0o600)
        draft.replace(self._folder / name)

    def _remove(self, message_id: str) -> None:
        for ending in ("eml", "sms.json", "push.json"):
            (self._folder / f"{message_id}.{ending}").unlink(missing_ok=True)


def _note_of(message: Message) -> bytes:
    note = {"to": message.recipient, "at": message.created_at, "text": message.words.subject}
    return orjson.dumps(note, option=orjson.OPT_INDENT_2)
