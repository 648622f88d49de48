"""The event catalogue as a page for people, in Markdown."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kernel.events.catalogue import CATALOGUE, Payload
from kernel.events.consumers import Consumer
from kernel.events.schemas import schema_of

_HEAD = """\
# Domain events

Generated from `kernel/events/catalogue/` by `storegraph export-schema`. Each event travels in a CloudEvents 1.0
envelope; its body has a JSON Schema in [events/](events/), and [asyncapi.json](asyncapi.json) describes channels and
queues (AsyncAPI 3.0). Events of one subject reach a consumer in their order, and each has its effect once.
"""


def event_page(consumers: Mapping[str, Iterable[Consumer]]) -> str:
    """Write the page: who publishes what, who reads it, and what is in it."""
    readers = readers_of(consumers)
    parts = [_HEAD, *_overview(readers)]
    for _, payload in sorted(CATALOGUE.items()):
        parts += _section(payload)
    return "\n".join(parts) + "\n"


def readers_of(consumers: Mapping[str, Iterable[Consumer]]) -> dict[str, list[str]]:
    """Give the names of the consumers of each event."""
    readers: dict[str, list[str]] = {}
    for consumer in (each for of_subgraph in consumers.values() for each in of_subgraph):
        for name in consumer.subscriptions:
            readers.setdefault(name, []).append(consumer.name)
    return {name: sorted(who) for name, who in readers.items()}


def _overview(readers: Mapping[str, list[str]]) -> Iterator[str]:
    yield "## Who publishes what, and who consumes it\n"
    yield "Each name in the last column is a durable subscription with a queue, retries and dead letters of its own."
    yield "`notifications.webhooks` hands on to partners (docs/webhooks.md).\n"
    yield "| event | published by | consumed by |"
    yield "| --- | --- | --- |"
    for name, payload in sorted(CATALOGUE.items()):
        consumed = ", ".join(f"`{each}`" for each in readers.get(name, ())) or "nobody"
        yield f"| [{name}](#{name.lower()}) | {payload.producer} | {consumed} |"


def _section(payload: type[Payload]) -> Iterator[str]:
    schema = schema_of(payload)
    yield f"\n## {payload.__name__}\n"
    yield f"{inspect.cleandoc(payload.__doc__ or '')} Version {payload.version}.\n"
    yield "| field | type | needed |"
    yield "| --- | --- | --- |"
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        yield f"| `{name}` | {_type(field)} | {'yes' if name in required else 'no'} |"


def _type(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(_type(each) for each in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    return str(field.get("type", "any"))
