"""Writing JSON: quickly where that is possible, and otherwise all the same.

Custom scalars may hold what orjson refuses: integers beyond 64 bits, or values nested some hundred levels deep.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def write_json(value: Any) -> bytes:
    """Return a value as JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
