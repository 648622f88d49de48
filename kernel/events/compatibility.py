"""Whether a new schema of an event may take the place of the one that consumers and stored events were made for.

Both directions must hold, since events wait in queues while either side is renewed: today's consumers read tomorrow's
events (so nothing they need goes away or changes its type), and tomorrow's consumers read today's events (so nothing
new is required). Anything else is a new version of the event, beside the old one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_IGNORED = frozenset({"description", "title", "default", "$id", "$schema", "$defs", "x-producer", "x-version"})


def incompatibilities(old: Schema, new: Schema) -> list[str]:
    """List what breaks when `new` replaces `old`; an empty list means that it may."""
    return list(_compare(old, new, old, new, ""))


def _compare(old: Schema, new: Schema, old_root: Schema, new_root: Schema, place: str) -> Iterator[str]:
    old, new = _resolve(old, old_root), _resolve(new, new_root)
    if "properties" in old and "properties" in new:
        yield from _compare_fields(old, new, old_root, new_root, place)
    elif "items" in old and "items" in new:
        yield from _compare(old["items"], new["items"], old_root, new_root, f"{place}[]")
    elif _shape(old, old_root) != _shape(new, new_root):
        yield f"{place or 'the body'} changed its type"


def _compare_fields(old: Schema, new: Schema, old_root: Schema, new_root: Schema, place: str) -> Iterator[str]:
    before, after = old["properties"], new["properties"]
    for name, field in before.items():
        path = f"{place}.{name}".lstrip(".")
        if name not in after:
            yield f"{path} was removed"
        else:
            yield from _compare(field, after[name], old_root, new_root, path)
    required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(required_after - required_before):
        yield f"{f'{place}.{name}'.lstrip('.')} is required, but events without it exist; give it a default"
    for name in sorted((required_before - required_after) & set(after)):
        yield f"{f'{place}.{name}'.lstrip('.')} is no longer required, but consumers rely on it"


def _resolve(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    return root["$defs"][reference.rpartition("/")[2]] if isinstance(reference, str) else schema


def _shape(schema: Any, root: Schema) -> Any:
    """What of a schema tells which values it takes, with references followed and texts left out."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            return _shape(_resolve(schema, root), root)
        return {key: _shape(value, root) for key, value in schema.items() if key not in _IGNORED}
    if isinstance(schema, list):
        return [_shape(each, root) for each in schema]
    return schema
