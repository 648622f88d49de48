"""How the subscriptions of each subgraph are reached, as the settings say; and the door for those that call back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from router.config import RouterSettings
from router.execution.transports.port import StreamTransport
from router.execution.transports.streams import (
    CallbackInbox,
    CallbackStreams,
    MultipartStreams,
    ServerSentStreams,
    StreamLimits,
    WebSocketStreams,
)
from router.execution.transports.streams.callback import Verdict
from router.execution.transports.streams.http import StreamingClient
from router.policy.signatures import request_signer
from router.server.errors import BodyTooLargeError, MethodNotAllowedError
from router.server.exchange import HeaderBlock, HttpRequest, Response

_STATUS: Final = {
    Verdict.TAKEN: 204,
    Verdict.MALFORMED: 400,
    Verdict.FORBIDDEN: 403,
    Verdict.UNKNOWN: 404,
    Verdict.FULL: 503,
}
_HEADERS: Final = HeaderBlock([(b"subscription-protocol", b"callback/1.0"), (b"cache-control", b"no-store")])


def callback_inbox(settings: RouterSettings) -> CallbackInbox | None:
    """Make the inbox for calls of subgraphs; None where the settings have no place for them."""
    callback = settings.subscriptions.callback
    if callback is None:
        return None
    return CallbackInbox(callback.public_url.rstrip("/") + callback.path, callback.heartbeat)


def stream_transports(
    addresses: Mapping[str, str], settings: RouterSettings, inbox: CallbackInbox | None
) -> dict[str, StreamTransport]:
    """Return the transport of each subgraph's streams."""
    return {name: _transport(name, url, settings, inbox) for name, url in addresses.items()}


def _transport(name: str, address: str, settings: RouterSettings, inbox: CallbackInbox | None) -> StreamTransport:
    subgraph = settings.subgraphs.get(name)
    own = None if subgraph is None else subgraph.subscription
    chosen = settings.subscriptions.subgraphs if own is None else own
    url = chosen.url or address
    limits = StreamLimits(idle_seconds=chosen.idle_timeout)
    client = StreamingClient(url, limits, request_signer(settings.authentication.internal_token))
    if chosen.protocol == "websocket":
        return WebSocketStreams(url, limits)
    if chosen.protocol == "sse":
        return ServerSentStreams(client)
    if chosen.protocol == "callback" and inbox is not None:
        return CallbackStreams(client, inbox)
    return MultipartStreams(client)


def callback_door(
    inbox: CallbackInbox | None, settings: RouterSettings
) -> dict[str, Callable[[HttpRequest], Awaitable[Response]]]:
    """Return what answers calls of subgraphs, by the beginning of its paths."""
    callback = settings.subscriptions.callback
    if inbox is None or callback is None:
        return {}
    beginning = f"{callback.path.rstrip('/')}/"

    async def take(request: HttpRequest) -> Response:
        if request.method != "POST":
            raise MethodNotAllowedError("Subgraphs call by POST.", headers=[(b"allow", b"POST")])
        if request.body is None:
            raise BodyTooLargeError(settings.limits.body_bytes)
        verdict = inbox.take(request.path.removeprefix(beginning), request.body)
        return Response(_STATUS[verdict], _HEADERS, b"")

    return {beginning: take}
