"""The short way of a request whose answer needs nothing but subgraphs.

Nearly all requests repeat an operation that is known, from a caller who is known. Nothing on their way has to wait but
for subgraphs, so they need neither a task nor a future: what begins them returns, and what arrives last writes the
answer. Everything else, all that is new, wrong or unusual, goes the long way (`RouterApp.respond`), which does it all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from router.execution.exchange import GraphQLResponse
from router.rates.limiter import Admission
from router.server.exchange import Answer, Header, HttpRequest, Response
from router.traffic.calls import Awaiting, Begin, Call


class Ready(NamedTuple):
    """An operation that can begin at once, and what makes a response of its result."""

    begin: Begin[GraphQLResponse]
    media: bytes
    operation: str | None
    respond: Callable[[GraphQLResponse, bytes, str | None, tuple[Header, ...]], Response]
    admission: Admission | None = None
    """Tells the client how often it may ask."""


class Finisher(Protocol):
    """Makes an answer of a response, and a response of a failure."""

    def failed(self, error: BaseException, request: HttpRequest, request_id: bytes) -> Response:
        """Return what is answered when something went wrong."""
        ...

    def compressing(self, response: Response, request: HttpRequest) -> Awaitable[Response] | None:
        """Return what compresses a response, if it is to be."""
        ...

    def finished(self, request: HttpRequest, response: Response, request_id: bytes, begun: float) -> Answer:
        """Return a response with what only this exchange has."""
        ...

    def abandoned(self, request: HttpRequest, begun: float) -> None:
        """Take note that nobody waits for an answer any more."""
        ...


class Express:
    """One request on the short way; cancelling it gives up what it asked of the subgraphs."""

    __slots__ = ("_begun", "_call", "_done", "_finisher", "_ready", "_request", "_request_id")

    def __init__(  # noqa: PLR0917 - made once in one place, for each request
        self,
        finisher: Finisher,
        request: HttpRequest,
        ready: Ready,
        request_id: bytes,
        begun: float,
        done: Callable[[Answer], None],
    ) -> None:
        self._finisher = finisher
        self._request = request
        self._ready = ready
        self._request_id = request_id
        self._begun = begun
        self._done: Callable[[Answer], None] | None = done
        self._call: Call = ready.begin(self._take)

    def cancel(self) -> None:
        """Give it up."""
        if self._done is not None:
            self._done = None
            self._finisher.abandoned(self._request, self._begun)
            self._call.cancel()

    def _take(self, result: GraphQLResponse | BaseException) -> None:
        if isinstance(result, BaseException):
            self._finish(result)
            return
        _, media, operation, respond, admission = self._ready
        try:
            response = respond(result, media, operation, () if admission is None else admission.headers)
            compressing = self._finisher.compressing(response, self._request)
        except Exception as error:
            self._finish(error)
            return
        if compressing is None:
            self._finish(response)
        else:
            self._call = Awaiting(compressing, self._finish)

    def _finish(self, response: Response | BaseException) -> None:
        done, self._done = self._done, None
        if done is None:
            return
        if isinstance(response, BaseException):
            response = self._finisher.failed(response, self._request, self._request_id)
        done(self._finisher.finished(self._request, response, self._request_id, self._begun))
