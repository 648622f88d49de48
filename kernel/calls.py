"""How one subgraph asks another: GraphQL in the caller's own name, in this process or over HTTP.

    CallError
    ├── CallUnavailableError   it was not reached, so nothing was done; retryable
    ├── CallTimeoutError       no answer in time: whether it was done is unknown; repeat with the same key
    ├── CallFaultError         it was reached and failed inside: whether it was done is unknown
    └── CallRefusedError       it says no to the request as such; asking again will not help

What a mutation reports in its payload (`errors`) is data and comes back as such.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Protocol

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectError, RequestError, RequestTimeoutError

from kernel import telemetry
from kernel.breaker import Breaker, BreakerOpenError
from kernel.database import in_transaction
from kernel.errors import InfrastructureError
from kernel.graphql.execution import Executor
from kernel.identity import Caller, InternalTokenSigner
from kernel.signatures import RequestSigner

DEFAULT_DEADLINE: Final = 5.0
_LEFT_ALONE: Final = 5.0
_FAULTS: Final = frozenset({"INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"})


class CallError(InfrastructureError):
    """A call to another subgraph gave no usable answer."""

    def __init__(self, subgraph: str, message: str, *, retryable: bool) -> None:
        super().__init__(f"{subgraph}: {message}", retryable=retryable)
        self.subgraph = subgraph


class CallUnavailableError(CallError):
    """The subgraph was not reached, so nothing was done."""

    def __init__(self, subgraph: str, message: str = "not reachable") -> None:
        super().__init__(subgraph, message, retryable=True)


class CallTimeoutError(CallError):
    """No answer came in time; the work may have been done."""

    def __init__(self, subgraph: str, deadline: float) -> None:
        super().__init__(subgraph, f"no answer within {deadline:g} s", retryable=True)


class CallFaultError(CallError):
    """The subgraph failed inside; the work may have been done."""

    def __init__(self, subgraph: str, message: str) -> None:
        super().__init__(subgraph, message, retryable=True)


class CallRefusedError(CallError):
    """The subgraph refuses the request as such; `code` says why."""

    def __init__(self, subgraph: str, message: str, code: str) -> None:
        super().__init__(subgraph, message, retryable=False)
        self.code = code


class SubgraphCalls(Protocol):
    """Whoever can ask other subgraphs."""

    async def execute(
        self,
        subgraph: str,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        deadline: float = DEFAULT_DEADLINE,
    ) -> dict[str, Any]:
        """Run a document on another subgraph and give its data.

        Never inside an open transaction: a lock would be held for as long as the network likes.

        Raises:
            CallError: no usable answer came; see the tree at the top of this module.
        """
        ...


class InProcessCalls:
    """Calls to subgraphs that live in the same process; no socket, no JSON."""

    def __init__(self, service: str, executors: Mapping[str, Executor]) -> None:
        self._caller = Caller.service(service)
        self._executors = executors

    async def execute(
        self,
        subgraph: str,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        deadline: float = DEFAULT_DEADLINE,
    ) -> dict[str, Any]:
        """Run a document on another subgraph and give its data."""
        _refuse_in_transaction()
        executor = self._executors.get(subgraph)
        if executor is None:
            raise CallUnavailableError(subgraph)
        try:
            async with asyncio.timeout(deadline):
                result = await executor.execute(document, variables, caller=self._caller)
        except TimeoutError:
            raise CallTimeoutError(subgraph, deadline) from None
        return _data(subgraph, result.data, result.errors)


class HttpCalls:
    """Calls to subgraphs behind URLs, with a token that names the calling service.

    A subgraph that could not be reached, or did not answer in time, several times in a row is left alone for a while:
    until then calls to it fail at once as unavailable, and nothing is sent.
    """

    def __init__(self, service: str, urls: Mapping[str, str], signer: InternalTokenSigner) -> None:
        self._caller = Caller.service(service)
        self._urls = urls
        self._signer = signer
        self._requests = RequestSigner(signer.key)
        self._client: Client | None = None
        self._breakers = {name: Breaker(name, pause=_LEFT_ALONE) for name in urls}

    async def execute(
        self,
        subgraph: str,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        deadline: float = DEFAULT_DEADLINE,
    ) -> dict[str, Any]:
        """Run a document on another subgraph and give its data."""
        _refuse_in_transaction()
        url = self._urls.get(subgraph)
        if url is None:
            raise CallUnavailableError(subgraph)
        body = orjson.dumps({"query": document, "variables": dict(variables or {})})
        try:
            async with self._breakers[subgraph].guard():
                status, answer = await self._send(subgraph, url, body, deadline)
        except BreakerOpenError as error:
            raise CallUnavailableError(subgraph, error.message) from error
        return _read(subgraph, status, answer)

    async def close(self) -> None:
        """Close the connections that are kept."""
        if self._client is not None:
            await self._client.close()

    async def _send(self, subgraph: str, url: str, body: bytes, deadline: float) -> tuple[int, bytes]:
        try:
            return await self._post(subgraph, url, body, deadline)
        except RequestTimeoutError as error:
            # The client cannot tell a slow connection from a slow answer, so none of both counts as "not done".
            raise CallTimeoutError(subgraph, deadline) from error
        except ConnectError as error:
            raise CallUnavailableError(subgraph) from error
        except RequestError as error:
            raise CallFaultError(subgraph, type(error).__name__) from error

    async def _post(self, subgraph: str, url: str, body: bytes, deadline: float) -> tuple[int, bytes]:
        if self._client is None:
            self._client = ClientBuilder().no_proxy().error_for_status(enable=False).build()
        authorization = f"Bearer {self._signer.sign(self._caller, subgraph)}"
        request = (
            self._client.post(url)
            .header("authorization", authorization)
            .headers(self._requests.headers(authorization, body))
            .header("content-type", "application/json")
            .header("x-request-id", telemetry.correlation_id())
            .header("traceparent", telemetry.traceparent())
            .timeout(timedelta(seconds=deadline))
            .body_bytes(body)
            .build()
        )
        response = await request.send()
        return response.status, bytes(await response.bytes())


def _refuse_in_transaction() -> None:
    if in_transaction():
        raise RuntimeError("a subgraph must not be called inside an open transaction")


def _read(subgraph: str, status: int, answer: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(answer)
        data, errors = body.get("data"), body.get("errors") or ()
    except (orjson.JSONDecodeError, AttributeError):
        raise CallFaultError(subgraph, f"answered {status} without a GraphQL body") from None
    return _data(subgraph, data, errors)


def _data(subgraph: str, data: dict[str, Any] | None, errors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if errors:
        message = str(errors[0].get("message", ""))
        code = str(errors[0].get("extensions", {}).get("code", ""))
        if code in _FAULTS:
            raise CallFaultError(subgraph, message)
        raise CallRefusedError(subgraph, message, code)
    if data is None:
        raise CallFaultError(subgraph, "answered without data")
    return data
