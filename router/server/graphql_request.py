"""From the bytes of an HTTP request to a GraphQL request."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import orjson

from router.execution.exchange import GraphQLRequest
from router.server.errors import (
    InvalidRequestError,
    MissingQueryError,
)


class Batch:
    """Several requests in one body, not looked at yet."""

    def __init__(self, entries: list[Any], body: bytes) -> None:
        self._entries = entries
        self._body = body

    def __len__(self) -> int:
        return len(self._entries)

    def requests(self) -> list[GraphQLRequest]:
        """Read them.

        Raises:
            HttpError: one is not a GraphQL request.
        """
        if not all(isinstance(entry, dict) for entry in self._entries):
            raise InvalidRequestError("Each entry of a batch must be a JSON object.")
        for pairs in _pairs(self._body):
            _refuse_repetition(pairs)
        return [read_request(entry) for entry in self._entries]


def parse_body(body: bytes) -> GraphQLRequest | Batch:
    """Read a GraphQL request, or several, from a JSON body.

    What names its operation without spelling it out has an empty `query` and says the name in `extensions`.

    Raises:
        HttpError: the body is not JSON, or not a GraphQL request.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError("The body is not JSON." if body.strip() else "The body is empty.") from error
    if isinstance(value, list):
        return Batch(value, body)
    if not isinstance(value, dict):
        raise InvalidRequestError("The body must be a JSON object.")
    _insist_on_unique_keys(body)
    return read_request(value)


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
    _refuse_repetition(_pairs(body))


def _pairs(body: bytes) -> Any:
    """Read JSON with each object as the list of its pairs."""
    try:
        return json.loads(body, object_pairs_hook=lambda found: found)
    except RecursionError as error:
        raise InvalidRequestError("The body is nested too deeply.") from error


def _refuse_repetition(pairs: list[tuple[str, Any]]) -> None:
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
    return read_request(value)


def _json_parameter(name: str, text: str) -> Any:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"The parameter '{name}' is not JSON.") from error


def read_request(value: dict[str, Any]) -> GraphQLRequest:
    """Read a GraphQL request from its decoded form.

    Raises:
        HttpError: it is none.
    """
    get = value.get
    query, variables, name, extensions = get("query"), get("variables"), get("operationName"), get("extensions")
    if variables is not None and type(variables) is not dict:
        raise InvalidRequestError("'variables' must be an object.")
    if extensions is not None and type(extensions) is not dict:
        raise InvalidRequestError("'extensions' must be an object.")
    if name is not None and type(name) is not str:
        raise InvalidRequestError("'operationName' must be a text.")
    if type(query) is not str or not query:
        return GraphQLRequest("", variables, name or None, _naming(value, query, extensions))
    return GraphQLRequest(query, variables, name or None, extensions)


def _naming(value: dict[str, Any], query: Any, extensions: dict[str, Any] | None) -> dict[str, Any]:
    """Return the extensions of a request that names its operation: Apollo's block, or `documentId` put into that form.

    Raises:
        HttpError: it does not name one either.
    """
    if query is not None and query != "":
        raise InvalidRequestError("'query' must be a text.")
    if extensions and "persistedQuery" in extensions:
        return extensions
    if isinstance(value.get("documentId"), str):
        return {**(extensions or {}), "persistedQuery": {"version": 1, "sha256Hash": value["documentId"]}}
    raise MissingQueryError("The request must hold a 'query'.")
