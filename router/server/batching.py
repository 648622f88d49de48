"""Several operations in one body: a JSON array in, an array of answers out, in the same order.

An operation that is refused gets its refusal as its answer, so that the others have theirs. They run at the same time,
a few of them at once, unless one of them changes something: then they run one after the other, as they stand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import orjson

from router.execution.exchange import GraphQLRequest
from router.http_settings import BatchingSettings
from router.planner.plan import OperationKind
from router.server.errors import (
    BatchingDisabledError,
    BatchTooLargeError,
    HttpError,
    InvalidRequestError,
    SubscriptionInBatchError,
)
from router.server.graphql_request import Batch

_AT_ONCE: Final = 10

Resolve = Callable[[GraphQLRequest], Awaitable[GraphQLRequest]]
KindOf = Callable[[GraphQLRequest], Awaitable[OperationKind | None]]
Run = Callable[[GraphQLRequest], Awaitable[bytes]]


class Batcher:
    """Answers batches."""

    def __init__(self, settings: BatchingSettings) -> None:
        self._settings = settings

    async def answer(self, batch: Batch, resolve: Resolve, kind_of: KindOf, run: Run) -> bytes:
        """Answer all requests of a batch.

        Args:
            batch: what came in.
            resolve: finds the document of a request.
            kind_of: tells what kind of operation it is.
            run: answers it.

        Raises:
            HttpError: the batch is not taken.
        """
        requests = [await _attempt(resolve, request) for request in self._requests(batch)]
        kinds = {await kind_of(each) for each in requests if isinstance(each, GraphQLRequest)}
        if "subscription" in kinds:
            raise SubscriptionInBatchError("A subscription has many answers, which fit into no batch.")
        lanes = asyncio.Semaphore(1 if "mutation" in kinds else _AT_ONCE)

        async def one(request: GraphQLRequest | HttpError) -> bytes:
            if isinstance(request, HttpError):
                return orjson.dumps(request.as_dict())
            async with lanes:
                return await run(request)

        return b"[%b]" % b",".join(await asyncio.gather(*map(one, requests)))

    def _requests(self, batch: Batch) -> list[GraphQLRequest]:
        if not self._settings.enabled:
            raise BatchingDisabledError("Send one operation at a time: batches are not enabled.")
        if len(batch) > self._settings.limit:
            raise BatchTooLargeError(f"A batch holds at most {self._settings.limit} operations.")
        if not len(batch):
            raise InvalidRequestError("The batch is empty.")
        return batch.requests()


async def _attempt(resolve: Resolve, request: GraphQLRequest) -> GraphQLRequest | HttpError:
    try:
        return await resolve(request)
    except HttpError as error:
        return error
