"""The public keys of a token issuer: a JSON Web Key Set from a file, an address or the same process, kept fresh.

A key that is asked for and not known makes the set be read again, since an issuer may have rotated its keys, but not
more often than every few seconds, so that tokens with invented key ids cannot turn the router against the issuer. When
a reading fails, the keys known so far go on being used.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import jwt
import orjson

_MAX_BYTES: Final = 1_000_000
_FETCH_SECONDS: Final = 5.0
_COOL_DOWN: Final = 10.0

KeyReader = Callable[[], Mapping[str, Any]]
"""Returns the issuer's key set as it is now; it may block."""


class KeysUnavailableError(Exception):
    """The issuer's keys could not be read, and none are known from before."""


def key_reader(location: str) -> KeyReader:
    """Return what reads the key set at `location`: an http(s) or file address, or a path."""
    parts = urllib.parse.urlsplit(location)
    if parts.scheme in ("http", "https"):
        return lambda: _fetch(location)
    path = Path(urllib.request.url2pathname(parts.path) if parts.scheme == "file" else location)
    return lambda: orjson.loads(path.read_bytes())


def _fetch(url: str) -> Mapping[str, Any]:
    request = urllib.request.Request(url, headers={"accept": "application/json"})  # noqa: S310 - the scheme was checked
    with urllib.request.urlopen(request, timeout=_FETCH_SECONDS) as answer:  # noqa: S310
        return orjson.loads(answer.read(_MAX_BYTES))


class KeySet:
    """Looks up the issuer's keys by their id."""

    def __init__(self, read: KeyReader, *, refresh: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._refresh = refresh
        self._clock = clock
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._reading = asyncio.Lock()

    async def find(self, key_id: str | None) -> jwt.PyJWK | None:
        """Return the key with this id; without an id, the only key there is.

        Raises:
            KeysUnavailableError: no keys could be read so far.
        """
        stale = self._clock() - self._read_at > self._refresh
        # Who knows the key need not wait for a reading that is under way; who does not, must.
        if self._known(key_id) is None or (stale and not self._reading.locked()):
            await self._reload()
        if not self._keys:
            raise KeysUnavailableError("the issuer's keys could not be read")
        return self._known(key_id)

    def _known(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    async def _reload(self) -> None:
        async with self._reading:
            if self._clock() - self._tried_at <= _COOL_DOWN:
                return
            self._tried_at = self._clock()
            try:
                keys = _usable_keys(await asyncio.to_thread(self._read))
            except (OSError, ValueError, jwt.PyJWTError):
                return  # the keys known so far stay good; without any, find() says so
            self._keys = keys
            self._read_at = self._clock()


def _usable_keys(document: Mapping[str, Any]) -> dict[str | None, jwt.PyJWK]:
    """Return the signature keys of a set by their id, leaving out the kinds that are not understood."""
    keys: dict[str | None, jwt.PyJWK] = {}
    for entry in document["keys"] if isinstance(document.get("keys"), list) else ():
        if (
            not isinstance(entry, dict)
            or entry.get("use", "sig") != "sig"
            or entry.get("kty") not in ("OKP", "RSA", "EC")
        ):
            continue
        with contextlib.suppress(jwt.PyJWTError):  # one odd key must not cost the others
            key = jwt.PyJWK(entry)
            keys[key.key_id] = key
    return keys
