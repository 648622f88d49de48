"""Compressed responses, for clients that ask for them.

What was compressed is kept for a while beside the bytes it was made of: where many get the same answer, which is the
rule for those that are in flight together, it is compressed once. Large bodies are compressed on a thread, so that they
hold up nobody. A client that sends no `accept-encoding` never gets here.
"""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

import brotli

from router.config import CompressionSettings
from router.server.exchange import HeaderBlock, Response

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_GZIP: Final = 16 + zlib.MAX_WBITS
_GZIP_LEVEL: Final = 5
_BROTLI_QUALITY: Final = 4
_ZSTD_LEVEL: Final = 3
_REMEMBERED: Final = 512
_WORTH_A_THREAD: Final = 65_536
_KEPT_BYTES: Final = 16 * 1024 * 1024
_TEXTS: Final = (b"application/json", b"application/graphql-response+json", b"application/problem+json", b"text/")


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, _GZIP_LEVEL, _GZIP)


def _brotli(body: bytes) -> bytes:
    return brotli.compress(body, quality=_BROTLI_QUALITY)


def _zstd(body: bytes) -> bytes:
    return zstd.compress(body, _ZSTD_LEVEL)


_ENCODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {"zstd": _zstd, "br": _brotli, "gzip": _gzip}


class Compressor:
    """Compresses responses in the way that client and server like best.

    Args:
        settings: which ways there are, in order of preference, and from which size on it is worth it.
    """

    def __init__(self, settings: CompressionSettings) -> None:
        self._offers = tuple(settings.encodings)
        self.threshold = settings.threshold
        self._kept: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._under_way: dict[tuple[str, bytes], asyncio.Task[bytes]] = {}

    async def compress(self, response: Response, accept: bytes) -> Response:
        """Return a response in the encoding that a client prefers; as it is where none would help."""
        if len(response.body) < self.threshold or not _compressible(response.headers):
            return response
        encoding = choose(accept, self._offers)
        if encoding is None:
            return response._replace(headers=_varied(response.headers, None))
        body = await self._encoded(encoding, response.body)
        return response._replace(headers=_varied(response.headers, encoding), body=body)

    async def _encoded(self, encoding: str, body: bytes) -> bytes:
        key = (encoding, body)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        if len(body) < _WORTH_A_THREAD:
            encoded = _ENCODERS[encoding](body)
            self._keep(key, encoded)
            return encoded
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._encode_aside(key))
        return await asyncio.shield(task)

    async def _encode_aside(self, key: tuple[str, bytes]) -> bytes:
        encoding, body = key
        try:
            encoded = await asyncio.to_thread(_ENCODERS[encoding], body)
        finally:
            del self._under_way[key]
        self._keep(key, encoded)
        return encoded

    def _keep(self, key: tuple[str, bytes], encoded: bytes) -> None:
        self._kept[key] = encoded
        self._kept_bytes += len(key[1]) + len(encoded)
        while self._kept_bytes > _KEPT_BYTES:
            (_, body), forgotten = self._kept.popitem(last=False)
            self._kept_bytes -= len(body) + len(forgotten)


@lru_cache(_REMEMBERED)
def choose(accept: bytes, offers: tuple[str, ...]) -> str | None:
    """Return the encoding that an `accept-encoding` header likes best, the first offered among equals; None if none."""
    liked: dict[bytes, float] = {}
    for part in accept.lower().split(b","):
        name, _, parameter = part.partition(b";")
        liked[name.strip()] = _quality(parameter.strip())
    other = liked.get(b"*", 0.0)
    qualities = {offer: liked.get(offer.encode(), other) for offer in offers}
    best = max(offers, key=lambda offer: qualities[offer], default=None)
    return best if best is not None and qualities[best] > 0 else None


def _quality(parameter: bytes) -> float:
    if not parameter:
        return 1.0
    name, _, value = parameter.partition(b"=")
    try:
        return float(value) if name.strip() == b"q" else 0.0
    except ValueError:
        return 0.0


@lru_cache(_REMEMBERED)
def _compressible(headers: HeaderBlock) -> bool:
    known = dict(headers)
    return b"content-encoding" not in known and known.get(b"content-type", b"").startswith(_TEXTS)


@lru_cache(_REMEMBERED)
def _varied(headers: HeaderBlock, encoding: str | None) -> HeaderBlock:
    """Say that the answer depends on what the client takes, and how it is encoded."""
    vary = (b"vary", b"accept-encoding")
    encoded = () if encoding is None else ((b"content-encoding", encoding.encode()),)
    return HeaderBlock([*headers, *encoded, vary])
