"""The REST API as it is served: a request finds its route, becomes an operation, and its data becomes the answer.

The operation runs through the same engine, for the same caller, as if the client had sent GraphQL: what many ask for at
the same time is run once, and the use of a published operation is counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote

import orjson

from router.config import ConfigError, RouterSettings
from router.execution.cache_policy import UNKEPT
from router.execution.engine import Engine
from router.execution.exchange import GraphQLRequest, GraphQLResponse, Outcome, RequestContext
from router.execution.json_text import write_json
from router.operations.errors import OperationRefusedError
from router.operations.resolver import OperationResolver
from router.policy.identity import Identity
from router.rates.executor import RateLimitedExecutor
from router.rest.declaration import read_declaration
from router.rest.errors import ParameterError, Statuses, problem
from router.rest.openapi import openapi_document
from router.rest.page import openapi_page
from router.rest.routes import Body, Route, RouteTable, read_routes
from router.server.browsers import Cors, CsrfGuard
from router.server.caching_headers import caching_headers, conditional
from router.server.callers import Callers
from router.server.errors import BodyTooLargeError, HttpError, OperationNotRunError
from router.server.exchange import JSON, HeaderBlock, HttpRequest, Response, json_response
from router.server.negotiation import insist_on_json
from router.telemetry.correlation import RequestIds
from router.traffic.calls import Awaiting, Call, Done, awaited
from router.traffic.in_flight import InFlight

Handler = Callable[[HttpRequest], Awaitable[Response]]

_RESERVED: Final = ("/health", "/explorer")
_INCOMPLETE: Final = (b"x-incomplete", b"true")
_MOST_PARAMETERS: Final = 64


class RestFacade:
    """Answers REST requests.

    Args:
        engine: runs operations.
        settings: of the router.
        callers: knows who sends requests.
        operations: knows published operations.
        limited: the engine with rate limits, where there are any.

    Raises:
        ConfigError: the declaration cannot be used.
    """

    def __init__(
        self,
        engine: Engine,
        settings: RouterSettings,
        callers: Callers,
        operations: OperationResolver,
        limited: RateLimitedExecutor | None = None,
    ) -> None:
        path, schema = Path(settings.rest.routes or ""), engine.supergraph.api_schema
        declaration = read_declaration(path)
        routes = read_routes(declaration, path.parent, schema, operations.published_document)
        self._engine = engine
        self._limited = limited
        self._operations = operations
        self._sharing: InFlight[Hashable, GraphQLResponse] | None = InFlight() if settings.sharing.requests else None
        self._callers = callers
        self._csrf = CsrfGuard(settings.csrf)
        self._caching = caching_headers(settings, asks=callers.asks)
        self._cors = Cors(settings.cors)
        self._ids = RequestIds()
        self._body_limit = settings.limits.body_bytes
        self._table = RouteTable(routes)
        self._statuses = Statuses(declaration.statuses)
        self._errors = declaration.errors
        document = openapi_document(declaration, routes, schema, self._statuses)
        self._pages = {settings.rest.document: json_response(200, document)}
        if settings.rest.page is not None:
            self._pages[settings.rest.page] = openapi_page(document, settings.rest.document)

        self.beginnings = _beginnings(routes, self._pages)

    async def answer(self, http: HttpRequest) -> Response:
        """Answer a request."""
        allowed = self._methods(http.path)
        if http.method not in allowed:
            return self._elsewhere(http, allowed)
        if http.path in self._pages:
            return self._pages[http.path]
        try:
            return await self._run(http)
        except ParameterError as error:
            listed = [{"parameter": place, "detail": text} for place, text in error.problems]
            return problem(400, "INVALID_REQUEST", str(error), errors=listed)
        except HttpError as error:
            return problem(error.status, error.code, str(error), headers=error.headers)
        except OperationRefusedError as error:
            refused = OperationNotRunError(error)
            return problem(refused.status, refused.code, str(refused), headers=refused.headers)

    def _elsewhere(self, http: HttpRequest, allowed: frozenset[str]) -> Response:
        """Answer what is for no route: a path or a method that is not served, or a browser's question before."""
        if not allowed:
            return problem(404, "NOT_FOUND", "Nothing is served under this path.")
        methods = ", ".join(sorted(allowed)).encode()
        if http.method == "OPTIONS" and self._cors.enabled:
            return self._cors.preflight(http.headers, methods)
        return problem(405, "METHOD_NOT_ALLOWED", "This path takes other methods.", headers=[(b"allow", methods)])

    def _methods(self, path: str) -> frozenset[str]:
        """Return by which methods a path is served."""
        if path in self._pages:
            return frozenset({"GET", "HEAD"})
        found = self._table.find(path)
        if found is None:
            return frozenset()
        return frozenset(found[0]) | ({"HEAD"} if "GET" in found[0] else set())

    async def _run(self, http: HttpRequest) -> Response:
        routes, values = self._table.find(http.path) or ({}, ())
        route, names = routes["GET" if http.method == "HEAD" else http.method]
        if http.method == "POST":
            self._csrf.check(http.headers)
        identity = await self._callers.identify(http.headers)
        if (refused := _refused(route, identity)) is not None:
            return refused
        placeholders = dict(zip(names, values, strict=True))
        variables = _variables(route, placeholders, http, self._body_limit)
        forwarded = self._callers.forwarded(http.headers)
        context = self._callers.context(identity, forwarded, self._ids.of(http.headers), http.headers)
        request = GraphQLRequest(route.document, variables, route.operation)
        if route.declared.id is not None:
            request = self._operations.routed(request, route.declared.id, http.headers)
        key = (id(route), write_json(variables), forwarded, None if identity is None else identity.facts)
        response = self._response(route, await self._execute(route, request, context, key))
        return response if self._caching is None or route.method != "GET" else conditional(response, http.headers)

    async def _execute(
        self, route: Route, request: GraphQLRequest, context: RequestContext, key: Hashable
    ) -> GraphQLResponse:
        """Run an operation, once it was counted; a GET for all who ask for the same until it is done."""
        sharing, engine = self._sharing, self._engine

        def begin(done: Done[GraphQLResponse]) -> Call:
            return Awaiting(engine.execute(request, context), done)

        def run() -> Awaitable[GraphQLResponse]:
            if sharing is None or route.method != "GET":
                return engine.execute(request, context)
            return awaited(partial(sharing.share, key, begin))

        return await (run() if self._limited is None else self._limited.admit(request, context, run))

    def _response(self, route: Route, result: GraphQLResponse) -> Response:
        value, user_errors = self._answer(route, result.data)
        if user_errors:
            return self._user_problem(user_errors)
        if value is None and result.errors:
            return self._problem(result)._replace(errors=result.errors)
        if value is None:
            return problem(404, "NOT_FOUND", "There is nothing here.")
        headers = [(b"content-type", JSON), (b"x-content-type-options", b"nosniff"), *result.headers]
        if result.errors:
            headers.append(_INCOMPLETE)
        if route.declared.location is not None and isinstance(value, dict):
            headers.append((b"location", _filled(route.declared.location, value)))
        block = HeaderBlock(headers)
        if self._caching is not None:
            block = self._caching.extended(block, result.cache_policy or UNKEPT)
        return Response(route.declared.success, block, orjson.dumps(value), route.operation, errors=result.errors)

    def _answer(self, route: Route, data: Any) -> tuple[Any, list[dict[str, Any]]]:
        """Return the answer in an operation's data, and the errors that stand in it or beside it."""
        errors: list[dict[str, Any]] = []
        for key in route.answer:
            if not isinstance(data, dict):
                return None, errors
            errors = errors or data.get(self._errors) or []
            data = data.get(key)
        if route.method != "GET" and isinstance(data, dict):
            errors = errors or data.pop(self._errors, None) or []
        return data, errors

    def _user_problem(self, errors: list[dict[str, Any]]) -> Response:
        first = errors[0]
        code, message = str(first.get("code", "")), str(first.get("message", ""))
        return problem(self._statuses.of_user_error(code), code, message, errors=errors)

    def _problem(self, result: GraphQLResponse) -> Response:
        code = result.code or ("BAD_USER_INPUT" if result.outcome is Outcome.REFUSED else "INTERNAL_SERVER_ERROR")
        listed = [{"detail": each.get("message"), "path": each.get("path")} for each in result.errors]
        status, message = result.status or self._statuses.of_error(code), str(result.errors[0].get("message", ""))
        return problem(status, code, message, errors=listed, headers=result.headers)


def rest_handlers(
    engine: object,
    settings: RouterSettings,
    callers: Callers,
    operations: OperationResolver,
    limited: RateLimitedExecutor | None = None,
) -> dict[str, Handler]:
    """Return what answers REST requests, by the beginnings of their paths; nothing where no routes are declared.

    Raises:
        ConfigError: the declaration cannot be used.
    """
    if settings.rest.routes is None or not isinstance(engine, Engine):
        return {}
    facade = RestFacade(engine, settings, callers, operations, limited)
    return dict.fromkeys(facade.beginnings, facade.answer)


def _beginnings(routes: Iterable[Route], pages: Iterable[str]) -> frozenset[str]:
    """Return the first segments of all paths."""
    found = frozenset("/" + each.declared.template.split("/")[1] for each in routes)
    for each in found:
        if each == "/" or "{" in each or each in _RESERVED:
            raise ConfigError(f"no route can begin with '{each}'")
    return found | frozenset(pages)


def _refused(route: Route, identity: Identity | None) -> Response | None:
    """Return why a caller may not use a route; None if it may."""
    if not route.declared.needs_token:
        return None
    if identity is None or identity.id is None:
        challenge = (b"www-authenticate", b"Bearer")
        return problem(401, "UNAUTHENTICATED", "This needs a token: authorization: Bearer ...", headers=[challenge])
    roles = route.declared.roles
    if not roles or identity.roles & frozenset(roles):
        return None
    return problem(403, "FORBIDDEN", f"This is for the role {' or '.join(roles)}.")


def _filled(template: str, value: Mapping[str, Any]) -> bytes:
    """Fill the places of a path with values of the answer."""
    filled = template
    for key, each in value.items():
        filled = filled.replace(f"{{{key}}}", quote(str(each), safe=""))
    return filled.encode("ascii", "ignore")


def _variables(route: Route, placeholders: Mapping[str, str], http: HttpRequest, limit: int) -> dict[str, Any]:
    """Return the variables of a route's operation.

    Raises:
        ParameterError: something does not fit.
        HttpError: the body is none that is read.
    """
    given = {"path": {name: [text] for name, text in placeholders.items()}, "query": _query(http.query_string)}
    given["header"] = {
        each.name: [http.headers[each.name.lower().encode()].decode("latin-1").strip('"')]
        for each in route.parameters
        if each.place == "header" and each.name.lower().encode() in http.headers
    }
    variables: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for each in route.parameters:
        texts = given[each.place].pop(each.name, None)
        if texts is None:
            problems += [(each.name, "is missing")] if each.required else []
            continue
        try:
            variables[each.variable] = each.read(texts)
        except ValueError as error:
            problems.append((each.name, str(error)))
    _complete_ranges(route, variables)
    problems += [(name, "is no parameter of this route") for name in given["query"]]
    if route.body is not None:
        problems += _take_body(route.body, _json_body(http, limit), variables)
    if problems:
        raise ParameterError(problems)
    return variables


def _complete_ranges(route: Route, variables: dict[str, Any]) -> None:
    """Give the objects of ranges the keys that other variables fill."""
    for each in route.parameters:
        if each.range is not None and each.variable in variables:
            others = {key: variables.get(name, route.defaults.get(name)) for key, name in each.range.others.items()}
            variables[each.variable].update(others)


def _query(query_string: bytes) -> dict[str, list[str]]:
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except ValueError as error:
        raise ParameterError([("query string", "is not percent-encoded UTF-8, or too long")]) from error
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        found.setdefault(name, []).append(text)
    return found


def _json_body(http: HttpRequest, limit: int) -> Any:
    if http.body == b"":
        return None
    insist_on_json(http.headers.get(b"content-type"))
    if http.body is None:
        raise BodyTooLargeError(limit)
    try:
        return orjson.loads(http.body)
    except orjson.JSONDecodeError as error:
        raise ParameterError([("body", "is not JSON")]) from error


def _take_body(body: Body, value: Any, variables: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Put a JSON body into variables; return what does not fit."""
    if body.whole is not None:
        if value is not None:
            variables[body.whole.name] = value
        return [("body", "is missing")] if value is None and body.whole.required else []
    if value is None:
        return [("body", "is missing")] if body.required else []
    if not isinstance(value, dict):
        return [("body", "must be a JSON object")]
    variables.update({key: item for key, item in value.items() if key in body.keys})
    unknown = [(key, "is no part of this route's body") for key in value if key not in body.keys]
    missing = [(name, "is missing") for name, each in body.keys.items() if each.required and value.get(name) is None]
    return [*unknown, *missing]
