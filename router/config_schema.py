"""The JSON Schema of `router.yaml`, for editors and for those who check files before they are laid down.

It is made from the classes of the settings: types and bounds from their fields, descriptions from their docstrings.
Whatever is no text may also be one that is filled in when the file is read, such as `${env.PORT:-4000}`.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

import msgspec

from router.config import RouterSettings
from router.sections import Section

_ATTRIBUTE: Final = re.compile(r"^    (\w+): (.+?)(?=^    \w+: |\Z)", re.MULTILINE | re.DOTALL)
_FILLED_IN: Final = {"type": "string", "pattern": r"\$\{(env|file)\.[^}]+\}"}
_PLAIN: Final = {"integer", "number", "boolean"}


def settings_schema() -> dict[str, Any]:
    """Return the schema."""
    _, components = msgspec.json.schema_components([RouterSettings], ref_template="#/$defs/{name}")
    sections = {kind.__name__: kind for kind in _sections(Section)}
    definitions = {name: _described(_open(schema), sections[name]) for name, schema in sorted(components.items())}
    root = definitions.pop(RouterSettings.__name__)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **root,
        "title": "router.yaml: settings of the Storegraph router",
        "$defs": definitions,
    }


def _sections(kind: type[Section]) -> list[type[Section]]:
    return [each for child in kind.__subclasses__() for each in (child, *_sections(child))]


def _described(schema: dict[str, Any], kind: type[Section]) -> dict[str, Any]:
    """Add what the docstring says, and take a default away where it would only repeat the section's own."""
    summary, _, attributes = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    meanings = {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(attributes)}
    for name, field in schema["properties"].items():
        if name in meanings:
            field["description"] = meanings[name]
    return {**schema, "description": " ".join(summary.split())}


def _open(schema: Any) -> Any:
    """Let a text that will be filled in stand wherever a number, a truth value or a choice is expected."""
    if isinstance(schema, list):
        return [_open(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    opened = {key: value if key == "default" else _open(value) for key, value in schema.items()}
    choice = "enum" in opened
    if opened.get("type") in _PLAIN or choice:
        kept = {key: opened.pop(key) for key in ("default",) if key in opened}
        return {"anyOf": [opened, _FILLED_IN], **kept}
    return opened
