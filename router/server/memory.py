"""Memory that is kept rather than given back: the next request needs it again.

An answer of 100 KB makes and frees buffers and objects of several times its size. glibc gives what is free at the end
of its heap back to the system as soon as that is more than a little, and gets it again, page by page, for the next one.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_KEPT_BYTES: Final = 16 * 1024 * 1024
_LARGE_BYTES: Final = 4 * 1024 * 1024


def keep_freed_memory() -> None:
    """Tell glibc to keep some megabytes; other C libraries are left as they are."""
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
