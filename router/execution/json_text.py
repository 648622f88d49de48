"""JSON, quickly where that is possible, and otherwise all the same.

Custom scalars may hold what orjson does not keep or refuses: integers beyond 64 bits, or values nested some hundred
levels deep. The standard library takes them.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

DIGITS = bytes(ord("0") if chr(each).isdigit() and each < 128 else ord(" ") for each in range(256))
"""Makes all digits alike, and everything else."""
LONG_NUMBER = b"0" * 19
"""As many digits as the largest integer of 64 bits has."""


def write_json(value: Any) -> bytes:
    """Return a value as JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def read_json_exactly(text: bytes) -> Any:
    """Return the value of JSON text, with all digits of its integers.

    Raises:
        ValueError: the text is not JSON.
    """
    value = orjson.loads(text)
    if LONG_NUMBER in text.translate(DIGITS):
        # Perhaps only text with many digits; the result is the same then. That it is JSON has been seen above.
        return json.loads(text)
    return value
