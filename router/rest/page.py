"""The page to read an OpenAPI document: plain HTML, with nothing that a browser would have to fetch or run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, select_autoescape
from markupsafe import Markup, escape

from router.server.exchange import HeaderBlock, Response

_CODE: Final = re.compile(r"`([^`]+)`")
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
    environment.filters["outline"] = outline
    environment.filters["prose"] = _prose
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    text = template.render(document=document, address=address, groups=_groups(document), curl=_curl)
    return Response(200, _HEADERS, text.encode())


def outline(schema: Mapping[str, Any], indent: str = "") -> str:
    """Write a JSON Schema as people note types: `{ name: string, size: integer | null }`, a line for each property."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(outline(each, indent) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(json.dumps(each) for each in schema["enum"])
    kinds = schema.get("type", "anything")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return " | ".join(_outline_of(kind, schema, indent) for kind in listed)


def _outline_of(kind: str, schema: Mapping[str, Any], indent: str) -> str:
    if kind == "array":
        return f"[{outline(schema.get('items', {}), indent)}]"
    if kind != "object" or "properties" not in schema:
        pattern = f" matching {schema['pattern']}" if kind == "string" and "pattern" in schema else ""
        return f"{kind}{pattern}"
    deeper, required = f"{indent}  ", schema.get("required", ())
    lines = [
        f"{deeper}{name}{'' if name in required else '?'}: {outline(each, deeper)}{_remark(each)}\n"
        for name, each in schema["properties"].items()
    ]
    return f"{{\n{''.join(lines)}{indent}}}"


def _remark(schema: Mapping[str, Any]) -> str:
    text = " ".join(str(schema.get("description", "")).split())
    return f"  // {text}" if text else ""


def _prose(text: str) -> Markup:
    """Show what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped right here


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
    asked = [
        f"{each['name']}={each.get('example', '...')}"
        for each in operation.get("parameters", ())
        if each["in"] == "query" and each["required"]
    ]
    query = f"?{'&'.join(asked)}" if asked else ""
    return " ".join([*parts, f"'http://localhost:4000{path}{query}'"])
