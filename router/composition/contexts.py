"""Values of ``@fromContext``: the name of a context and a selection in it."""

from __future__ import annotations

import re

from router.sdl.values import Value

_REFERENCE = re.compile(r"(?:[\s,]|#[^\n\r]*)*\$(?:[\s,]|#[^\n\r]*)*([A-Za-z_]\w*)([\s\S]*)")


def parse_context(text: Value) -> tuple[str, str] | None:
    """Split ``$user { id }`` into the name of the context and the selection in it."""
    match = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    return (match[1], match[2]) if match else None
