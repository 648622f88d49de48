"""The page to read an OpenAPI document: plain HTML, with nothing that a browser would have to fetch or run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, select_autoescape

from router.server.exchange import HeaderBlock, Response

_TEMPLATE: Final = Path(__file__).with_name("page.html.jinja")
_POLICY: Final = (
    b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = HeaderBlock(
    [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-security-policy", _POLICY),
    ]
)


def openapi_page(document: Mapping[str, Any], address: str) -> Response:
    """Return the page of a document that is served under `address`."""
    environment = Environment(autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True)
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    text = template.render(document=document, address=address, groups=_groups(document), curl=_curl)
    return Response(200, _HEADERS, text.encode())


def _groups(document: Mapping[str, Any]) -> dict[str, list[tuple[str, str, Mapping[str, Any]]]]:
    """Return the operations of each tag as (method, path, operation), in the order of the document."""
    groups: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for tag in operation.get("tags") or ("Routes",):
                groups.setdefault(tag, []).append((method.upper(), path, operation))
    return groups


def _curl(method: str, path: str, operation: Mapping[str, Any]) -> str:
    """Return a command that calls an operation."""
    parts = ["curl"] if method == "GET" else ["curl", "-X", method]
    if operation.get("security") == [{"bearer": []}]:
        parts += ["-H", "'authorization: Bearer TOKEN'"]
    if "requestBody" in operation:
        parts += ["-H", "'content-type: application/json'", "-d", "'{...}'"]
    elif method == "POST":
        parts += ["-H", "'apollo-require-preflight: 1'"]
    return " ".join([*parts, f"'http://localhost:4000{path}'"])
