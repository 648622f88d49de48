"""Looking at pictures and making them smaller: the one place where foreign bytes are decoded."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from typing import Final

from PIL import ExifTags, Image, ImageOps

from kernel.errors import InvalidInputError
from subgraphs.products.domain.files import MAX_PIXELS, WIDTHS, check_dimensions

RENDERED: Final = "image/webp"
"""What smaller pictures are."""

_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
_QUALITY: Final = 82
_ON_ITS_SIDE: Final = 5
"""From this orientation on, width and height change places."""

Image.MAX_IMAGE_PIXELS = MAX_PIXELS


def measure(data: bytes) -> tuple[int, int]:
    """Read a picture's size as it is to be shown; no more of it is decoded than that takes.

    Raises:
        InvalidInputError: it is no picture, is broken, or has too many pixels.
    """
    with _opened(data) as picture, _told_as_broken():
        return _shown_size(picture)


def render(data: bytes) -> dict[int, bytes]:
    """Make a picture smaller, in each of the widths that are less than its own, without what it tells beside.

    Raises:
        InvalidInputError: it is broken.
    """
    with _opened(data) as picture, _told_as_broken():
        own_width, _ = _shown_size(picture)
        picture.draft("RGB", (max(WIDTHS), max(WIDTHS)))
        upright = ImageOps.exif_transpose(picture)
        plain = upright.convert("RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB")
    return {width: _smaller(plain, width) for width in WIDTHS if width < own_width}


def _shown_size(picture: Image.Image) -> tuple[int, int]:
    width, height = picture.size
    turned = picture.getexif().get(ExifTags.Base.Orientation, 1) >= _ON_ITS_SIDE
    return (height, width) if turned else (width, height)


def _smaller(picture: Image.Image, width: int) -> bytes:
    height = max(1, round(picture.height * width / picture.width))
    written = BytesIO()
    picture.resize((width, height), Image.Resampling.LANCZOS).save(written, "WEBP", quality=_QUALITY, method=4)
    return written.getvalue()


def _opened(data: bytes) -> Image.Image:
    """Open a picture whose size, which stands in its head, can be decoded without harm."""
    with _told_as_broken(), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        picture = Image.open(BytesIO(data), formats=_FORMATS)
    check_dimensions(*picture.size)
    return picture


@contextmanager
def _told_as_broken() -> Generator[None]:
    try:
        yield
    except Image.DecompressionBombError as error:
        raise InvalidInputError("The picture has too many pixels.", path=("file",)) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise InvalidInputError("The file is no picture, or a broken one.", path=("file",)) from error
