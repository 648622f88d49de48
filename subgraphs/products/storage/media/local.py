"""`MediaStore` in a folder. What S3 does with signed addresses, the routes of `api/media_routes.py` do here."""

from __future__ import annotations

import asyncio
import hmac
import os
import re
import shutil
import time
from hashlib import sha256
from pathlib import Path
from typing import Final

_KEY = re.compile(r"[a-z]+(?:_[0-9a-f]{32})?/[a-z0-9_]+(?:\.webp)?")
_MOST: Final = 2_000_000
"""What fits through the door of the router, which answers for the folder in embedded mode."""

_STEP: Final = 600
"""Addresses of so many seconds are the same, so that browsers keep what they got."""


class LocalMedia:
    """Keeps bytes in files; `secret` signs addresses, `base` is what they begin with."""

    def __init__(self, folder: Path, secret: bytes, *, base: str = "/media") -> None:
        self.largest = _MOST
        self._folder = folder
        self._secret = secret
        self._base = base

    def upload_url(self, key: str, seconds: int) -> str:
        """Sign the address to which the bytes of a key can be PUT for a while."""
        return self._signed("PUT", key, seconds)

    def download_url(self, key: str, seconds: int) -> str:
        """Sign the address at which the bytes of a key can be got for a while."""
        return self._signed("GET", key, seconds)

    def allows(self, method: str, key: str, expires: str, signature: str) -> bool:
        """Tell whether an address was signed here, for this, and is not over."""
        if not expires.isdecimal() or int(expires) < time.time():
            return False
        return hmac.compare_digest(self._sign(method, key, expires), signature)

    async def size(self, key: str) -> int | None:
        """Tell how many bytes there are; None where there is nothing."""
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            return None

    async def read(self, key: str) -> bytes | None:
        """Give the bytes of a key; None where there is nothing."""
        try:
            return await asyncio.to_thread(self._path(key).read_bytes)
        except FileNotFoundError:
            return None

    async def part(self, key: str, start: int, length: int) -> bytes | None:
        """Give so many bytes of a key, or what there is from a place on; None where there is nothing."""
        try:
            return await asyncio.to_thread(_part, self._path(key), start, length)
        except FileNotFoundError:
            return None

    async def write(self, key: str, data: bytes, media_type: str) -> None:  # noqa: ARG002 # told by the bytes here
        """Keep the bytes of a key, in the place of what was there."""
        await asyncio.to_thread(self._write, self._path(key), data)

    async def write_file(self, key: str, path: Path, media_type: str) -> None:  # noqa: ARG002 # told by the bytes here
        """Keep the bytes of a file, in the place of what was there, without reading it whole."""
        beside = self._beside(self._path(key))
        await asyncio.to_thread(shutil.copyfile, path, beside)
        beside.replace(self._path(key))

    async def copy(self, key: str, to: str) -> bool:
        """Keep under another key what is under this one, in the place of what was there; False if nothing is."""
        try:
            await self.write_file(to, self._path(key), "")
        except FileNotFoundError:
            return False
        return True

    async def remove(self, key: str) -> None:
        """Forget the bytes of a key; nothing to forget is as good."""
        self._path(key).unlink(missing_ok=True)

    def _signed(self, method: str, key: str, seconds: int) -> str:
        expires = str((int(time.time()) // _STEP + 1) * _STEP + seconds)
        return f"{self._base}/{key}?expires={expires}&signature={self._sign(method, key, expires)}"

    def _sign(self, method: str, key: str, expires: str) -> str:
        return hmac.new(self._secret, f"{method} {key} {expires}".encode(), sha256).hexdigest()

    def _path(self, key: str) -> Path:
        if _KEY.fullmatch(key) is None:
            raise FileNotFoundError(key)
        return self._folder / key

    def _write(self, path: Path, data: bytes) -> None:
        """Write beside and rename, so that nobody ever reads half of it."""
        beside = self._beside(path)
        beside.write_bytes(data)
        beside.replace(path)

    def _beside(self, path: Path) -> Path:
        """Name a file beside, where nobody else writes, in a folder that is there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")


def _part(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)
