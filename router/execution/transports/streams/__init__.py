"""Streams of events from subgraphs, one module for each protocol by which they come."""

from router.execution.transports.streams.callback import CallbackInbox, CallbackStreams
from router.execution.transports.streams.in_process import InProcessStreams, SubgraphSubscriber
from router.execution.transports.streams.multipart import MultipartStreams
from router.execution.transports.streams.settings import StreamLimits
from router.execution.transports.streams.sse import ServerSentStreams
from router.execution.transports.streams.websocket import WebSocketStreams

__all__ = [
    "CallbackInbox",
    "CallbackStreams",
    "InProcessStreams",
    "MultipartStreams",
    "ServerSentStreams",
    "StreamLimits",
    "SubgraphSubscriber",
    "WebSocketStreams",
]
