"""Settings of subscriptions: how clients and subgraphs are spoken to, and the bounds on both."""

from __future__ import annotations

from typing import Literal

import msgspec

from router.sections import Section, demand


class WebSocketSettings(Section, frozen=True):
    """Clients that speak `graphql-transport-ws`, under the path of the GraphQL endpoint.

    Attributes:
        enabled: whether they are served.
        max_connections: how many may be connected to one worker; more are answered with 503.
        max_operations: operations that run on one connection at a time.
        message_bytes: size of a message; a larger one closes the connection with 1009.
        init_timeout: seconds in which a client must have begun; then the connection is closed with 4408.
        ping_interval: seconds between two pings.
        ping_timeout: seconds after which a client that gives no pong is taken for gone.
    """

    enabled: bool = True
    max_connections: int = 10_000
    max_operations: int = 100
    message_bytes: int = 1_000_000
    init_timeout: float = 10.0
    ping_interval: float = 20.0
    ping_timeout: float = 20.0

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.max_connections >= 1, "max_connections must be at least 1")
        demand(self.max_operations >= 1, "max_operations must be at least 1")
        demand(self.message_bytes >= 1_000, "message_bytes must be at least 1000")
        demand(self.init_timeout > 0, "init_timeout must be more than 0")


class SingleConnectionSettings(Section, frozen=True):
    """Clients of graphql-sse that have all results on one event stream; served where there is one worker.

    Attributes:
        enabled: whether they are served.
        max_connections: how many streams may be open or reserved; more are answered with 503.
        max_operations: operations that run on one stream at a time.
        reservation_timeout: seconds in which a stream that was reserved must be opened.
    """

    enabled: bool = True
    max_connections: int = 10_000
    max_operations: int = 100
    reservation_timeout: float = 10.0

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.max_connections >= 1, "max_connections must be at least 1")
        demand(self.max_operations >= 1, "max_operations must be at least 1")
        demand(self.reservation_timeout > 0, "reservation_timeout must be more than 0")


class CallbackSettings(Section, frozen=True):
    """The HTTP callback protocol: subgraphs send their events to this router.

    Attributes:
        public_url: where subgraphs reach this router, without the path, such as `http://router.internal:4000`.
        path: the path below which they send their events.
        heartbeat: seconds between two signs of life that a subgraph must give; 0 asks for none.
    """

    public_url: str
    path: str = "/callback"
    heartbeat: float = 5.0

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.public_url.startswith(("http://", "https://")), "public_url must be an http or https URL")
        demand(self.path.startswith("/") and len(self.path) > 1, "path must begin with / and name something")
        demand(self.heartbeat >= 0, "heartbeat must not be negative")


class SubgraphStreamSettings(Section, frozen=True):
    """How one subgraph's subscriptions are reached.

    Attributes:
        protocol: `websocket` (graphql-transport-ws, or the older graphql-ws where the subgraph chooses that), `sse`,
            `multipart` or `callback`.
        url: where, if not at the URL of the subgraph; of WebSockets with `ws` or `wss` in place of `http`.
        idle_timeout: seconds without any sign of life after which the stream is taken for broken.
    """

    protocol: Literal["websocket", "sse", "multipart", "callback"] = "websocket"
    url: str | None = None
    idle_timeout: float = 60.0

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.idle_timeout > 0, "idle_timeout must be more than 0")


class SubscriptionSettings(Section, frozen=True):
    """Subscriptions, by whatever protocol.

    Attributes:
        max_open: how many may be open in one worker.
        buffer: events that wait for a client which does not take them.
        overflow: what happens to a client with a full buffer: its subscription is closed, or loses its oldest event.
        stall_timeout: seconds after which a connection that takes nothing at all is cut off.
        heartbeat: seconds between two signs of life on an HTTP stream.
        websocket: clients over WebSocket.
        single_connections: clients that have all results on one event stream.
        subgraphs: how subgraphs are reached that have no section of their own.
        callback: subgraphs that send their events to this router; needed where a subgraph's protocol is `callback`.
    """

    max_open: int = 10_000
    buffer: int = 100
    overflow: Literal["close", "drop_oldest"] = "close"
    stall_timeout: float = 15.0
    heartbeat: float = 5.0
    websocket: WebSocketSettings = msgspec.field(default_factory=WebSocketSettings)
    single_connections: SingleConnectionSettings = msgspec.field(default_factory=SingleConnectionSettings)
    subgraphs: SubgraphStreamSettings = msgspec.field(default_factory=SubgraphStreamSettings)
    callback: CallbackSettings | None = None

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.max_open >= 1, "max_open must be at least 1")
        demand(self.buffer >= 1, "buffer must be at least 1")
        demand(self.stall_timeout > 0, "stall_timeout must be more than 0")
        demand(self.heartbeat > 0, "heartbeat must be more than 0")
