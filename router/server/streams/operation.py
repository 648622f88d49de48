"""One of several operations on a connection: a subscription with its events, or a query or mutation with its result.

The connection is a WebSocket, or an event stream in the single connection mode of graphql-sse.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, MutableMapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import structlog

from router.execution.errors import ExecutionError
from router.execution.exchange import GraphQLErrorDict, GraphQLRequest, GraphQLResponse, Outcome
from router.execution.json_text import write_json
from router.operations.errors import OperationRefusedError
from router.server.errors import OperationNotRunError
from router.server.streams.client import Client, StreamServices
from router.server.streams.dialects import WEBSOCKET, Dialect
from router.subscriptions import ClientTooSlowError, Subscription, SubscriptionEndedError

if TYPE_CHECKING:
    from router.execution.payloads import Payload

logger = structlog.get_logger("router.server")

_TRY_AGAIN_LATER = 1013


class Line(Protocol):
    """The connection to the client."""

    @property
    def full(self) -> bool:
        """Whether the client is behind with reading."""
        ...

    def write(self, data: bytes) -> None:
        """Write at once."""
        ...

    def close_soon(self, code: int, reason: str) -> None:
        """Begin to close the connection."""
        ...


class SocketOperation:
    """Runs an operation and writes what comes of it.

    Args:
        number: the id that the client gave it.
        services: what runs it.
        socket: where results go.
        running: the operations of the connection, by id; this one stands there while it runs.
        dialect: how they are written.
    """

    def __init__(
        self,
        number: str,
        services: StreamServices,
        socket: Line,
        running: MutableMapping[str, SocketOperation],
        dialect: Dialect = WEBSOCKET,
    ) -> None:
        self._number = number
        self._services = services
        self._socket = socket
        self._running = running
        self._task: asyncio.Task[None] | None = None
        self._subscription: Subscription | None = None
        self._dialect = dialect
        self._id = orjson.dumps(number)
        self._head = dialect.before % self._id

    def start(self, request: GraphQLRequest, client: Client) -> None:
        """Begin to run."""
        self._running[self._number] = self
        self._task = asyncio.create_task(self._run(request, client))

    def stop(self) -> None:
        """End without a word: the client asked for it, or has gone."""
        self._running.pop(self._number, None)
        if self._task is not None:
            self._task.cancel()
        if self._subscription is not None:
            self._subscription.close()

    def release(self) -> None:
        """Write on: there is room again."""
        if self._subscription is not None:
            self._subscription.release()

    async def _run(self, request: GraphQLRequest, client: Client) -> None:
        services = self._services
        try:
            if request.extensions is not None or services.operations.insists:
                request = await services.operations.resolve(request, client.headers)
            prepared = await services.engine.prepare(request)
            if prepared.kind == "subscription":
                self._subscription = await services.subscribe(request, client)
                self._subscription.attach(self)
            elif prepared.defers:
                await self._deliver(services.executor.execute_incremental(request, services.context(client)))
            else:
                self._conclude(await services.executor.execute(request, services.context(client)))
        except ExecutionError as error:
            self.fail(error.as_dicts())
        except OperationRefusedError as error:
            refusal: Any = OperationNotRunError(error).as_dict()
            self.fail(tuple(refusal["errors"]))
        except Exception:
            logger.exception("An operation on a WebSocket failed for a reason of the router's own")
            self.fail(ExecutionError("Internal error").as_dicts())

    async def _deliver(self, parts: AsyncGenerator[Payload]) -> None:
        """Write an answer that comes in parts."""
        async with aclosing(parts) as payloads:
            async for payload in payloads:
                if payload.response is not None and payload.response.outcome is not Outcome.EXECUTED:
                    self.fail(payload.response.errors)
                    return
                self._write(write_json(payload.as_dict()))
        self._complete()

    def _conclude(self, answer: GraphQLResponse) -> None:
        if answer.outcome is Outcome.EXECUTED:
            self.take(answer)
            self._complete()
        else:
            self.fail(answer.errors)

    def take(self, answer: GraphQLResponse) -> None:
        """Write a result."""
        self._write(answer.body)
        if self._socket.full and self._subscription is not None:
            self._subscription.hold()

    def _write(self, result: bytes) -> None:
        self._socket.write(b"%b%b%b" % (self._head, result, self._dialect.after))

    def ended(self, error: SubscriptionEndedError | None) -> None:
        """Write the end; a client that takes nothing is sent away instead."""
        if error is None:
            self._complete()
        elif isinstance(error, ClientTooSlowError):
            self._running.pop(self._number, None)
            self._socket.close_soon(_TRY_AGAIN_LATER, str(error))
        else:
            self.fail(error.as_dicts())

    def fail(self, errors: tuple[GraphQLErrorDict, ...]) -> None:
        """Write that the operation ends with errors."""
        self._running.pop(self._number, None)
        self._socket.write(self._dialect.failed(self._id, orjson.dumps(errors)))

    def _complete(self) -> None:
        self._running.pop(self._number, None)
        self._socket.write(self._dialect.complete % self._id)
