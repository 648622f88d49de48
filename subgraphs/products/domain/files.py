"""Files that people upload: what they may be, told by their first bytes and never by their name.

A picture is looked at before it is decoded, since a small file can ask for gigabytes; SVG is no picture here but a
program that draws one, and is refused whatever it draws.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Final, Protocol

from kernel.errors import InvalidInputError

MAX_BYTES: Final = 20_000_000
MAX_PIXELS: Final = 40_000_000
"""Decoded, these take 160 MB while a picture is made smaller."""

MAX_SIDE: Final = 16_000
WIDTHS: Final = (320, 640, 1280)
"""In which widths pictures are made smaller."""

MAX_TABLE_BYTES: Final = 2_000_000_000

PDF: Final = "application/pdf"
TABLES: Final = frozenset({"text/csv", "application/x-ndjson"})
"""Files with many rows: never read whole."""

PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
ACCEPTED: Final = PICTURES | TABLES | {PDF}


class FileState(Enum):
    """How far an upload has come."""

    EXPECTED = "EXPECTED"
    ACCEPTED = "ACCEPTED"
    READY = "READY"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that was, or is to be, uploaded; pictures know their size and the widths that were made of them."""

    id: str
    owner_id: str
    file_name: str
    media_type: str
    state: FileState
    size: int = 0
    width: int = 0
    height: int = 0
    widths: tuple[int, ...] = ()
    product_id: str | None = None
    reason: str | None = None

    @property
    def incoming(self) -> str:
        """Where the bytes are uploaded to."""
        return incoming_key(self.id)

    @property
    def original(self) -> str:
        """Where the bytes are once they were looked at; no address is signed for putting something there."""
        return original_key(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTicket:
    """How a client hands in the bytes: one request, until a time."""

    url: str
    method: str
    headers: tuple[tuple[str, str], ...]
    expires_at: datetime


class MediaStore(Protocol):
    """Keeps bytes under keys, and lets clients put and get them without going through us."""

    largest: int
    """How many bytes a client can hand in at once."""

    def upload_url(self, key: str, seconds: int) -> str:
        """Sign the address to which the bytes of a key can be PUT for a while."""
        ...

    def download_url(self, key: str, seconds: int) -> str:
        """Sign the address at which the bytes of a key can be got for a while."""
        ...

    async def size(self, key: str) -> int | None:
        """Tell how many bytes there are; None where there is nothing."""
        ...

    async def read(self, key: str) -> bytes | None:
        """Give the bytes of a key; None where there is nothing."""
        ...

    async def part(self, key: str, start: int, length: int) -> bytes | None:
        """Give so many bytes of a key, or what there is from a place on; None where there is nothing."""
        ...

    async def write(self, key: str, data: bytes, media_type: str) -> None:
        """Keep the bytes of a key, in the place of what was there."""
        ...

    async def write_file(self, key: str, path: Path, media_type: str) -> None:
        """Keep the bytes of a file, in the place of what was there, without reading it whole."""
        ...

    async def copy(self, key: str, to: str) -> bool:
        """Keep under another key what is under this one, in the place of what was there; False if nothing is."""
        ...

    async def remove(self, key: str) -> None:
        """Forget the bytes of a key; nothing to forget is as good."""
        ...


def incoming_key(file_id: str) -> str:
    """Tell where the bytes of a file are handed in."""
    return f"incoming/{file_id}"


def original_key(file_id: str) -> str:
    """Tell where the bytes of a file are."""
    return f"{file_id}/original"


def rendition_key(file_id: str, width: int) -> str:
    """Tell where a picture is that was made smaller."""
    return f"{file_id}/{width}.webp"


def sniff(head: bytes) -> str:
    """Tell what a file is by how it begins.

    Raises:
        InvalidInputError: it is nothing that is accepted.
    """
    for magic, media_type in _BEGINNINGS:
        if head.startswith(magic):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if b"<svg" in head[:1024].lower():
        raise InvalidInputError("SVG is not accepted: it can carry scripts.", path=("file",))
    raise InvalidInputError("The file is no JPEG, PNG, WebP, GIF or PDF.", path=("file",))


def check_size(size: int, largest: int, media_type: str) -> int:
    """Return a number of bytes that is accepted.

    Raises:
        InvalidInputError: it is too many, or none.
    """
    most = min(largest, MAX_TABLE_BYTES if media_type in TABLES else MAX_BYTES)
    if not 0 < size <= most:
        raise InvalidInputError(f"A file has 1 to {most} bytes.", path=("size",))
    return size


def check_text(head: bytes) -> None:
    """Let pass what begins like text.

    Raises:
        InvalidInputError: it does not.
    """
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        raise InvalidInputError("The file is no text in UTF-8.", path=("file",)) from None
    if "\x00" in text:
        raise InvalidInputError("The file is no text.", path=("file",))


def check_dimensions(width: int, height: int) -> None:
    """Let pass a picture that can be decoded without harm.

    Raises:
        InvalidInputError: it has too many pixels.
    """
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE) or width * height > MAX_PIXELS:
        raise InvalidInputError(f"The picture has {width} x {height} pixels, which is too many.", path=("file",))


_BEGINNINGS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", PDF),
)
