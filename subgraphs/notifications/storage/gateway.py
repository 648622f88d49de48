"""Text and push messages through whatever gateway takes them as JSON over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import RequestError

from subgraphs.notifications.domain.messages import DeliveryError, Message

_NOBODY_THERE: Final = frozenset({404, 410})
_PATIENCE: Final = 15.0


class HttpGateway:
    """Posts `{id, channel, to, title, text}` to a URL; the key `idempotency-key` tells a message that comes again."""

    def __init__(self, url: str, *, token: str, shop: str) -> None:
        self._url = url
        self._token = token
        self._shop = shop
        self._client: Client | None = None

    async def deliver(self, message: Message) -> None:
        """Hand a message over."""
        if self._client is None:
            self._client = ClientBuilder().no_proxy().error_for_status(enable=False).build()
        body = {
            "id": message.id,
            "channel": message.channel,
            "to": message.recipient,
            "title": self._shop,
            "text": message.words.subject,
        }
        request = (
            self._client.post(self._url)
            .bearer_auth(self._token)
            .header("content-type", "application/json")
            .header("idempotency-key", message.id)
            .timeout(timedelta(seconds=_PATIENCE))
            .body_bytes(orjson.dumps(body))
            .build()
        )
        try:
            status = (await request.send()).status
        except (TimeoutError, RequestError) as error:
            raise DeliveryError(f"The gateway was not reached: {type(error).__name__}.", retryable=True) from error
        if not 200 <= status < 300:
            retryable = status >= 500 or status in {401, 403, 408, 429}
            raise DeliveryError(
                f"The gateway answered with {status}.", retryable=retryable, bounced=status in _NOBODY_THERE
            )

    async def forget(self, message_id: str) -> None:
        """Do nothing: what has left cannot be called back."""
