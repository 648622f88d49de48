"""The GraphQL endpoint: one HTTP request in, one response out, as GraphQL over HTTP says.

Media types and status codes depend on the profile. In `spec`, a client that takes `application/graphql-response+json`
gets 4xx for a request that could not run, and one that takes only `application/json` gets 200 for it, as that media
type promises; in `apollo`, the answer is always `application/json` and the status is Apollo Router's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import orjson

from router.config import RouterSettings
from router.execution.cache_policy import UNKEPT
from router.execution.documents import Document
from router.execution.errors import ExecutionError, SubscriptionRefusedError
from router.execution.exchange import GraphQLRequest, GraphQLResponse, Headers, Outcome, RequestContext
from router.operations.errors import OperationRefusedError
from router.operations.resolver import OperationResolver
from router.planner.plan import OperationKind
from router.policy.identity import Identity
from router.rates.executor import RateLimitedExecutor
from router.server.batching import Batcher
from router.server.browsers import CsrfGuard
from router.server.caching_headers import caching_headers, conditional
from router.server.callers import Callers
from router.server.errors import (
    BodyTooLargeError,
    MethodNotAllowedError,
    MutationByGetError,
    OperationNotRunError,
    UnsupportedMediaError,
)
from router.server.exchange import GRAPHQL_RESPONSE, Header, HeaderBlock, HttpRequest, Response
from router.server.express import Ready
from router.server.graphql_request import Batch, parse_body, parse_query_string
from router.server.negotiation import insist_on_json, response_type
from router.server.uploads.endpoint import UploadEndpoint
from router.subscriptions.hub import Streaming
from router.traffic.calls import Awaiting, Begin, Call, Done, awaited
from router.traffic.in_flight import InFlight

if TYPE_CHECKING:
    from router.execution.payloads import Payload

_APOLLO_CODES: Final = {
    "GRAPHQL_PARSE_FAILED": "GRAPHQL_PARSING_FAILED",
    "OPERATION_RESOLUTION_FAILURE": "GRAPHQL_UNKNOWN_OPERATION_NAME",
    "BAD_USER_INPUT": "VALIDATION_INVALID_TYPE_VARIABLE",
}


class Prepared(Protocol):
    """An operation before it runs."""

    @property
    def document(self) -> Document:
        """Its document."""
        ...

    @property
    def kind(self) -> OperationKind:
        """Whether it is a query, a mutation or a subscription."""
        ...

    @property
    def defers(self) -> bool:
        """Whether it may be answered in parts."""
        ...


class Runnable(Protocol):
    """What can begin at once."""

    @property
    def begin(self) -> Begin[GraphQLResponse]:
        """Begins."""
        ...


class Executor(Streaming, Protocol):
    """What the endpoint asks of the engine."""

    async def execute(self, request: GraphQLRequest, context: RequestContext) -> GraphQLResponse:
        """Answer a request; no error leaves this."""
        ...

    def execute_incremental(self, request: GraphQLRequest, context: RequestContext) -> AsyncGenerator[Payload]:
        """Answer a request in parts; closing the generator gives up what is missing."""
        ...

    def ready(self, request: GraphQLRequest, context: RequestContext) -> Runnable | None:
        """Return the run of a query that can begin at once, or None for all else, which is for `execute`."""
        ...

    async def prepare(self, request: GraphQLRequest) -> Prepared:
        """Return the operation of a request; one asked before comes at once.

        Raises:
            ExecutionError: the operation is not valid.
        """
        ...


class _Asked(NamedTuple):
    """A request on the short way that was counted, with the key by which equal ones are shared."""

    key: Hashable
    request: GraphQLRequest
    identity: Identity | None
    http: HttpRequest
    request_id: bytes


class GraphQLEndpoint:
    """Answers GraphQL requests.

    Args:
        engine: runs operations.
        settings: how requests are taken.
        callers: knows who sends them.
        operations: knows operations that are named rather than spelt out.
        uploads: takes requests that bring files; None where they are not taken.
        limited: the engine with rate limits, where there are any.
    """

    def __init__(
        self,
        engine: Executor,
        settings: RouterSettings,
        callers: Callers,
        operations: OperationResolver,
        uploads: UploadEndpoint | None = None,
        *,
        limited: RateLimitedExecutor | None = None,
    ) -> None:
        self._engine = engine
        self._limited = limited
        self._callers = callers
        self.operations = operations
        self._uploads = uploads
        self._batcher = Batcher(settings.batching)
        self._profile = settings.server.profile
        self._body_limit = settings.limits.body_bytes
        self._csrf = CsrfGuard(settings.csrf)
        self._sharing: InFlight[Hashable, GraphQLResponse] | None = InFlight() if settings.sharing.requests else None
        self._caching = caching_headers(settings, asks=callers.asks)
        self._headers: dict[bytes, HeaderBlock] = {}

    async def aclose(self) -> None:
        """Close connections to stores."""
        await self.operations.aclose()
        await self._callers.aclose()
        if self._limited is not None:
            await self._limited.aclose()

    async def answer(self, request: HttpRequest, request_id: bytes) -> Response:
        """Answer one HTTP request.

        Raises:
            HttpError: it is no GraphQL request that can be taken.
        """
        media = response_type(request.headers.get(b"accept"), self._profile)
        if request.method == "POST":
            return await self._post(request, request_id, media)
        if request.method == "GET":
            return await self._get(request, request_id, media)
        raise MethodNotAllowedError("GraphQL is served by GET and POST.", headers=[(b"allow", b"GET, POST")])

    async def _post(self, http: HttpRequest, request_id: bytes, media: bytes) -> Response:
        callers, headers, body = self._callers, http.headers, http.body
        if http.stream is not None and self._uploads is not None:
            return await self._upload(self._uploads, http, request_id, media)
        insist_on_json(headers.get(b"content-type"))
        if body is None:
            raise BodyTooLargeError(self._body_limit)
        identity = await callers.identify(headers)
        forwarded = callers.forwarded(headers)
        key = self._key(body, forwarded, identity, headers)
        attempt = None if self._sharing is None else self._sharing.get(key)
        if attempt is not None and self._limited is None:
            return self._response(await awaited(attempt.seat), media, None)
        request = parse_body(body)
        context = callers.context(identity, forwarded, request_id, headers)
        if isinstance(request, Batch):
            return await self._batch(request, headers, context, media)
        if request.extensions is not None or self.operations.insists:
            request = await self.resolve(request, headers)
        return self._response(await self._execute(key, request, context), media, request.operation_name)

    async def _upload(self, uploads: UploadEndpoint, http: HttpRequest, request_id: bytes, media: bytes) -> Response:
        callers, headers = self._callers, http.headers
        self._csrf.check(headers)
        identity = await callers.identify(headers)
        context = callers.context(identity, callers.forwarded(headers), request_id, headers)
        result, operation = await uploads.answer(http, lambda request: self.resolve(request, headers), context)
        return self._response(result, media, operation)

    def ready(self, http: HttpRequest, request_id: bytes) -> Ready | None:
        """Return what answers a POST without waiting for anything but subgraphs; None where that is not so.

        Raises:
            HttpError: it is no GraphQL request that can be taken.
        """
        callers, headers, body = self._callers, http.headers, http.body
        if body is None:
            return None
        media = response_type(headers.get(b"accept"), self._profile)
        insist_on_json(headers.get(b"content-type"))
        identity = callers.known(headers)
        if identity is None and callers.asks:
            return None
        key = self._key(body, callers.forwarded(headers), identity, headers)
        attempt = None if self._sharing is None else self._sharing.get(key)
        if attempt is not None and self._limited is None:
            return Ready(attempt.seat, media, None, self._response)
        request = attempt.about if attempt is not None else None
        if not isinstance(request, GraphQLRequest):
            request = parse_body(body)
        if isinstance(request, Batch) or request.extensions is not None or self.operations.insists:
            return None
        admission = None
        if self._limited is None:
            context = callers.context(identity, callers.forwarded(headers), request_id, headers)
            begin = self._beginning(key, request, context)
        else:
            admission = self._limited.admission(request, identity, callers.address(headers))
            if admission is None:
                return None
            if attempt is not None and admission.holds:
                begin = attempt.seat
            else:
                begin = partial(self._begin, _Asked(key, request, identity, http, request_id))
            if not admission.holds:
                begin = partial(admission.start, begin)
        return None if begin is None else Ready(begin, media, request.operation_name, self._response, admission)

    def _beginning(
        self, key: Hashable, request: GraphQLRequest, context: RequestContext
    ) -> Begin[GraphQLResponse] | None:
        """Return what begins a query at once; None where that cannot be."""
        run = self._engine.ready(request, context)
        if run is None or self._sharing is None:
            return None if run is None else run.begin
        return partial(self._sharing.share, key, run.begin, about=request)

    def _begin(self, asked: _Asked, done: Done[GraphQLResponse]) -> Call:
        """Begin what was counted, in whatever way it can be; take part in what others have begun meanwhile."""
        attempt = None if self._sharing is None else self._sharing.get(asked.key)
        if attempt is not None:
            return attempt.seat(done)
        callers, headers = self._callers, asked.http.headers
        context = callers.context(asked.identity, callers.forwarded(headers), asked.request_id, headers)
        begin = self._beginning(asked.key, asked.request, context)
        if begin is not None:
            return begin(done)
        return Awaiting(self._run(asked.key, asked.request, context), done)

    def _key(
        self, text: bytes, forwarded: Headers, identity: Identity | None, headers: Mapping[bytes, bytes]
    ) -> Hashable:
        """Return what requests must have in common to be answered once while they are in flight.

        That is their exact text together with whatever of the caller and the headers may vary the answer, so that those
        who share need not even be parsed.
        """
        key = (text, forwarded, None if identity is None else identity.facts)
        return (key, self._client(headers)) if self.operations.tells_clients else key

    async def _batch(
        self, batch: Batch, headers: Mapping[bytes, bytes], context: RequestContext, media: bytes
    ) -> Response:
        errors: list[Mapping[str, Any]] = []

        async def run(request: GraphQLRequest) -> bytes:
            result = await (self._limited or self._engine).execute(request, context)
            errors.extend(result.errors)
            return self._written(result)

        body = await self._batcher.answer(batch, lambda each: self.resolve(each, headers), self._kind, run)
        return Response(200, self._headers_for(media), body, errors=errors)

    def _client(self, headers: Mapping[bytes, bytes]) -> str | None:
        try:
            return self.operations.client(headers)
        except OperationRefusedError as error:
            raise OperationNotRunError(error) from error

    async def resolve(self, request: GraphQLRequest, headers: Mapping[bytes, bytes]) -> GraphQLRequest:
        """Return a request with the document that it names, if it may be run.

        Raises:
            HttpError: it names none, or it may not.
        """
        try:
            return await self.operations.resolve(request, headers)
        except OperationRefusedError as error:
            raise OperationNotRunError(error) from error

    async def _get(self, http: HttpRequest, request_id: bytes, media: bytes) -> Response:
        callers, headers = self._callers, http.headers
        if headers.get(b"content-type", b"application/json").partition(b";")[0].strip() != b"application/json":
            raise UnsupportedMediaError("A GET has no body, so it has no content type but 'application/json'.")
        self._csrf.check(headers)
        identity = await callers.identify(headers)
        request = parse_query_string(http.query_string)
        if request.extensions is not None or self.operations.insists:
            request = await self.resolve(request, headers)
        if await self._kind(request) == "mutation":
            raise MutationByGetError
        forwarded = callers.forwarded(headers)
        key = (self._key(http.query_string, forwarded, identity, headers), "GET")
        context = callers.context(identity, forwarded, request_id, headers)
        response = self._response(await self._execute(key, request, context), media, request.operation_name)
        return response if self._caching is None else conditional(response, headers)

    async def _execute(self, key: Hashable, request: GraphQLRequest, context: RequestContext) -> GraphQLResponse:
        """Run an operation, once it was counted."""
        if self._limited is None:
            return await self._run(key, request, context)
        return await self._limited.admit(request, context, lambda: self._run(key, request, context))

    async def _run(self, key: Hashable, request: GraphQLRequest, context: RequestContext) -> GraphQLResponse:
        """Run an operation; if it is a query, for all who ask for the same until it is done."""
        if self._sharing is None or await self._kind(request) != "query":
            return await self._engine.execute(request, context)

        def begin(done: Done[GraphQLResponse]) -> Call:
            return Awaiting(self._engine.execute(request, context), done)

        return await awaited(partial(self._sharing.share, key, begin, about=request))

    async def _kind(self, request: GraphQLRequest) -> OperationKind | None:
        """Return what kind of operation this is, or None if it is not valid."""
        try:
            return (await self._engine.prepare(request)).kind
        except ExecutionError:
            return None

    def _response(
        self, result: GraphQLResponse, media: bytes, operation: str | None, own: tuple[Header, ...] = ()
    ) -> Response:
        headers = self._headers_for(media)
        if self._caching is not None:
            headers = self._caching.extended(headers, result.cache_policy or UNKEPT)
        if result.headers:
            own = result.headers + own
        if result.outcome is Outcome.EXECUTED:
            return Response(200, headers, result.body, operation, own, result.errors)
        status = self._status(result, media)
        return Response(status, headers, self._refusal(result), operation, own, result.errors)

    def _headers_for(self, media: bytes) -> HeaderBlock:
        headers = self._headers.get(media)
        if headers is None:
            headers = HeaderBlock([(b"content-type", media), (b"x-content-type-options", b"nosniff")])
            self._headers[media] = headers
        return headers

    def _status(self, result: GraphQLResponse, media: bytes) -> int:
        if result.status is not None:
            return result.status
        if result.outcome is Outcome.FAILED:
            return 500
        if result.code == SubscriptionRefusedError.code:
            return 406
        return 400 if media == GRAPHQL_RESPONSE or self._profile == "apollo" else 200

    def _written(self, result: GraphQLResponse) -> bytes:
        return result.body if result.outcome is Outcome.EXECUTED else self._refusal(result)

    def _refusal(self, result: GraphQLResponse) -> bytes:
        """Write an answer without data; in Apollo's profile with Apollo's codes."""
        answer = result.as_dict()
        if self._profile == "apollo":
            answer["errors"] = [_with_apollo_code(error) for error in result.errors]
        return orjson.dumps(answer)


def _with_apollo_code(error: dict[str, object]) -> dict[str, object]:
    extensions = error.get("extensions")
    if not isinstance(extensions, dict):
        return error
    code = extensions.get("code")
    return {**error, "extensions": {**extensions, "code": _APOLLO_CODES.get(str(code), code)}}
