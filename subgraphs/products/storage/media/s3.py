"""`MediaStore` on S3 and what speaks its protocol; clients put and get bytes there without going through us."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import obstore
from obstore.store import S3Store

from subgraphs.products.domain.files import MAX_TABLE_BYTES

_SECONDS: Final = timedelta(seconds=20)


class S3Media:
    """Keeps bytes in a bucket.

    Args:
        bucket: its name.
        endpoint: where a server that is not Amazon's is; buckets are named in the path there.
        region: of the bucket.
        key_id: of the key; without one, what the machine brings along is used.
        secret: of the key.
    """

    def __init__(
        self, bucket: str, *, endpoint: str = "", region: str = "", key_id: str = "", secret: str = ""
    ) -> None:
        self.largest = MAX_TABLE_BYTES
        known = {"endpoint": endpoint, "region": region, "access_key_id": key_id, "secret_access_key": secret}
        self._store = S3Store(
            bucket,
            config={name: value for name, value in known.items() if value},
            client_options={"timeout": _SECONDS, "allow_http": endpoint.startswith("http://")},
            virtual_hosted_style_request=not endpoint,
        )

    def upload_url(self, key: str, seconds: int) -> str:
        """Sign the address to which the bytes of a key can be PUT for a while."""
        return obstore.sign(self._store, "PUT", key, timedelta(seconds=seconds))

    def download_url(self, key: str, seconds: int) -> str:
        """Sign the address at which the bytes of a key can be got for a while."""
        return obstore.sign(self._store, "GET", key, timedelta(seconds=seconds))

    async def size(self, key: str) -> int | None:
        """Tell how many bytes there are; None where there is nothing."""
        try:
            return (await obstore.head_async(self._store, key))["size"]
        except FileNotFoundError:
            return None

    async def read(self, key: str) -> bytes | None:
        """Give the bytes of a key; None where there is nothing."""
        try:
            found = await obstore.get_async(self._store, key)
        except FileNotFoundError:
            return None
        return bytes(await found.bytes_async())

    async def part(self, key: str, start: int, length: int) -> bytes | None:
        """Give so many bytes of a key, or what there is from a place on; None where there is nothing."""
        size = await self.size(key)
        if size is None:
            return None
        if start >= size:
            return b""
        return bytes(await obstore.get_range_async(self._store, key, start=start, end=min(start + length, size)))

    async def write(self, key: str, data: bytes, media_type: str) -> None:
        """Keep the bytes of a key, in the place of what was there."""
        await obstore.put_async(self._store, key, data, attributes={"Content-Type": media_type})

    async def write_file(self, key: str, path: Path, media_type: str) -> None:
        """Keep the bytes of a file, in the place of what was there, without reading it whole."""
        await obstore.put_async(self._store, key, path, attributes={"Content-Type": media_type})

    async def copy(self, key: str, to: str) -> bool:
        """Keep under another key what is under this one, in the place of what was there; False if nothing is."""
        try:
            await obstore.copy_async(self._store, key, to)
        except FileNotFoundError:
            return False
        return True

    async def remove(self, key: str) -> None:
        """Forget the bytes of a key; nothing to forget is as good."""
        await obstore.delete_async(self._store, key)
