"""The endpoint by which others say what has changed: a JSON array, in the way of Apollo's response cache.

{"kind": "subgraph", "subgraph": "products"}
{"kind": "type", "subgraph": "products", "type": "Product"}
{"kind": "cache_tag", "subgraphs": ["products"], "cache_tag": "sale"}
{"kind": "entity", "subgraph": "products", "type": "Product", "key": {"id": "prod_1"}}
"""

from __future__ import annotations

import hmac
from typing import Any

import msgspec

from router.cache.store import Store
from router.cache.tags import Change
from router.cache_settings import InvalidationSettings
from router.server.exchange import HttpRequest, Response, json_response


class _OfSubgraph(msgspec.Struct, tag_field="kind", tag="subgraph"):
    subgraph: str


class _OfType(msgspec.Struct, tag_field="kind", tag="type"):
    subgraph: str
    type: str


class _OfTag(msgspec.Struct, tag_field="kind", tag="cache_tag"):
    cache_tag: str
    subgraphs: list[str] = []


class _OfEntity(msgspec.Struct, tag_field="kind", tag="entity"):
    subgraph: str
    type: str
    key: dict[str, Any]


_READER = msgspec.json.Decoder(list[_OfSubgraph | _OfType | _OfTag | _OfEntity])


class InvalidationEndpoint:
    """Takes orders to forget.

    Args:
        store: what forgets.
        settings: who may say so.
    """

    def __init__(self, store: Store, settings: InvalidationSettings) -> None:
        self._store = store
        self._key = settings.key.encode()

    async def answer(self, request: HttpRequest) -> Response:
        """Answer one request with how many entries were forgotten."""
        if request.method != "POST":
            return _refused(405, "Changes are told by POST.", "METHOD_NOT_ALLOWED")
        if not hmac.compare_digest(request.headers.get(b"authorization", b""), self._key):
            return _refused(401, "The key of the invalidation endpoint is missing or wrong.", "UNAUTHENTICATED")
        try:
            told = _READER.decode(request.body or b"")
        except msgspec.MsgspecError as error:
            return _refused(400, f"This is no list of changes: {error}", "BAD_REQUEST")
        return json_response(202, {"count": await self._store.invalidate(map(_change, told))})


def _change(told: _OfSubgraph | _OfType | _OfTag | _OfEntity) -> Change:
    if isinstance(told, _OfTag):
        return Change(tuple(told.subgraphs), tag=told.cache_tag)
    if isinstance(told, _OfSubgraph):
        return Change((told.subgraph,))
    return Change((told.subgraph,), told.type, told.key if isinstance(told, _OfEntity) else None)


def _refused(status: int, message: str, code: str) -> Response:
    return json_response(status, {"errors": [{"message": message, "extensions": {"code": code}}]})
