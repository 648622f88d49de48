"""The signed addresses of a media store in a folder: what S3 answers by itself elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kernel.errors import InvalidInputError
from subgraphs.products.domain.files import PDF, sniff
from subgraphs.products.storage.media.local import LocalMedia

_SAFE: Final = {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'; sandbox"}


def media_routes(store: LocalMedia) -> Sequence[BaseRoute]:
    """Serve a media store: GET and PUT of keys whose addresses it has signed."""

    async def get(request: Request) -> Response:
        key = request.path_params["key"]
        if not _allowed(store, request, key):
            return Response("The address is not valid, or no longer.", 403)
        data = await store.read(key)
        if data is None:
            return Response("There is nothing.", 404)
        return Response(data, headers=_heads(data), media_type=_type(data))

    async def put(request: Request) -> Response:
        key = request.path_params["key"]
        if not _allowed(store, request, key) or not key.startswith("incoming/"):
            return Response("The address is not valid, or no longer.", 403)
        data = await request.body()
        if len(data) > store.largest:
            return Response(f"A file has {store.largest} bytes at most.", 413)
        await store.write(key, data, "")
        return Response(status_code=204)

    return (Route("/media/{key:path}", get, methods=["GET"]), Route("/media/{key:path}", put, methods=["PUT"]))


def _allowed(store: LocalMedia, request: Request, key: str) -> bool:
    method = "GET" if request.method == "HEAD" else request.method
    return store.allows(method, key, request.query_params.get("expires", ""), request.query_params.get("signature", ""))


def _type(data: bytes) -> str:
    try:
        return sniff(data)
    except InvalidInputError:
        return "application/octet-stream"


def _heads(data: bytes) -> dict[str, str]:
    shown = {} if _type(data) != PDF else {"content-disposition": "attachment"}
    return {**_SAFE, **shown, "cache-control": "private, max-age=3600"}
