"""JSON Schemas of the published language, for consumers in other languages and for reviewing a change of it."""

from __future__ import annotations

from typing import Any

import msgspec

from kernel.events.catalogue import CATALOGUE, Payload


def schema_of(payload: type[Payload]) -> dict[str, Any]:
    """Describe the body of one event type; unknown fields are allowed, because bodies grow."""
    (root,), definitions = msgspec.json.schema_components([payload], ref_template="#/$defs/{name}")
    body = definitions.pop(payload.__name__) if "$ref" in root else root
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{_name(payload)}.json",
        **body,
        "x-producer": payload.producer,
        "x-version": payload.version,
    }
    if definitions:
        described["$defs"] = dict(sorted(definitions.items()))
    return described


def event_schemas() -> dict[str, dict[str, Any]]:
    """Describe every event of the catalogue, by the name that its file has without the ending."""
    return {_name(payload): schema_of(payload) for payload in CATALOGUE.values()}


def _name(payload: type[Payload]) -> str:
    return f"{payload.__name__}.v{payload.version}"
