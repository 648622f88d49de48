"""From the bytes of an HTTP request to a GraphQL request."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import orjson

from router.execution.exchange import GraphQLRequest
from router.server.errors import (
    BatchingDisabledError,
    HttpError,
    InvalidRequestError,
    MissingQueryError,
    PersistedQueriesOffError,
)


def parse_body(body: bytes) -> GraphQLRequest:
    """Read a GraphQL request from a JSON body.

    Raises:
        HttpError: the body is not JSON, or not a GraphQL request.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError("The body is not JSON." if body.strip() else "The body is empty.") from error
    if isinstance(value, list):
        raise BatchingDisabledError("Send one operation at a time: batches are not enabled.")
    if not isinstance(value, dict):
        raise InvalidRequestError("The body must be a JSON object.")
    _insist_on_unique_keys(body)
    return _request(value)


def _insist_on_unique_keys(body: bytes) -> None:
    """Refuse a key that is given twice: whoever checked the request before may have read the other one.

    Only a body in which a key stands twice, or could be hidden behind an escape, is looked at more closely.
    """
    count = body.count
    if (
        count(b'"query"') < 2
        and count(b'"variables"') < 2
        and count(b'"operationName"') < 2
        and count(b'"extensions"') < 2
        and b"\\u" not in body
    ):
        return
    try:
        pairs: list[tuple[str, Any]] = json.loads(body, object_pairs_hook=lambda found: found)
    except RecursionError as error:
        raise InvalidRequestError("The body is nested too deeply.") from error
    if len({key for key, _ in pairs}) < len(pairs):
        raise InvalidRequestError("A key is given twice.")


def parse_query_string(query_string: bytes) -> GraphQLRequest:
    """Read a GraphQL request from the query string of a GET.

    Raises:
        HttpError: a parameter is missing, given twice or not what it should be.
    """
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=32)
    except ValueError as error:
        raise InvalidRequestError("The query string is not percent-encoded UTF-8.") from error
    value: dict[str, Any] = dict(pairs)
    if len(value) < len(pairs):
        raise InvalidRequestError("A parameter is given twice.")
    for name in ("variables", "extensions"):
        if name in value:
            value[name] = _json_parameter(name, value[name])
    return _request(value)


def _json_parameter(name: str, text: str) -> Any:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"The parameter '{name}' is not JSON.") from error


def _request(value: dict[str, Any]) -> GraphQLRequest:
    get = value.get
    query, variables, name, extensions = get("query"), get("variables"), get("operationName"), get("extensions")
    if variables is not None and type(variables) is not dict:
        raise InvalidRequestError("'variables' must be an object.")
    if extensions is not None and type(extensions) is not dict:
        raise InvalidRequestError("'extensions' must be an object.")
    if name is not None and type(name) is not str:
        raise InvalidRequestError("'operationName' must be a text.")
    if type(query) is not str or not query:
        raise _without_query(query, extensions)
    return GraphQLRequest(query, variables, name or None, extensions)


def _without_query(query: Any, extensions: dict[str, Any] | None) -> HttpError:
    if query is None and extensions and "persistedQuery" in extensions:
        return PersistedQueriesOffError("PersistedQueryNotSupported")
    if query is None or query == "":
        return MissingQueryError("The request must hold a 'query'.")
    return InvalidRequestError("'query' must be a text.")
