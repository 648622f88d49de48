"""Which changes of an event are taken, and the documents made from the catalogue."""

import copy
from typing import Any

import pytest

from kernel.events.asyncapi import asyncapi_document
from kernel.events.catalogue import CATALOGUE, OrderConfirmed
from kernel.events.compatibility import incompatibilities
from kernel.events.consumers import Consumer
from kernel.events.page import event_page
from kernel.events.schemas import event_schemas, schema_of


async def nothing(*_: Any) -> None: ...


BUYER = Consumer(name="buyers", subscriptions={"OrderConfirmed": nothing})


def changed(**fields: Any) -> dict[str, Any]:
    schema = copy.deepcopy(schema_of(OrderConfirmed))
    schema["properties"].update(fields)
    return schema


def test_every_event_is_compatible_with_itself():
    for schema in event_schemas().values():
        assert incompatibilities(schema, schema) == []


def test_a_field_with_a_default_and_a_new_text_may_come():
    schema = changed(note={"type": "string", "default": ""})
    schema["description"] = "Other words."
    assert incompatibilities(schema_of(OrderConfirmed), schema) == []


def without(name: str) -> dict[str, Any]:
    schema = changed()
    del schema["properties"][name]
    schema["required"].remove(name)
    return schema


def requiring(name: str) -> dict[str, Any]:
    schema = changed(**{name: {"type": "string"}})
    schema["required"].append(name)
    return schema


def optional(name: str) -> dict[str, Any]:
    schema = changed()
    schema["required"].remove(name)
    return schema


def nested() -> dict[str, Any]:
    schema = changed()
    schema["$defs"]["OrderLineFacts"]["properties"]["quantity"] = {"type": "string"}
    return schema


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        (without("email"), "email was removed"),
        (requiring("note"), "note is required, but events without it exist; give it a default"),
        (optional("email"), "email is no longer required, but consumers rely on it"),
        (changed(total_minor={"type": "string"}), "total_minor changed its type"),
        (changed(lines={"type": "string"}), "lines changed its type"),
        (nested(), "lines[].quantity changed its type"),
    ],
)
def test_what_breaks_a_consumer_is_named(new: dict[str, Any], problem: str):
    assert incompatibilities(schema_of(OrderConfirmed), new) == [problem]


def test_the_asyncapi_document_has_every_event_and_who_reads_it():
    document = asyncapi_document({"orders": [BUYER]})
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]) == set(document["components"]["messages"]) == set(CATALOGUE)
    reads = document["operations"]["buyers.receives.OrderConfirmed"]
    assert reads["action"] == "receive"
    assert reads["channel"] == {"$ref": "#/channels/OrderConfirmed"}


def test_the_page_tells_publisher_readers_and_fields():
    page = event_page({"orders": [BUYER]})
    assert "| [OrderConfirmed](#orderconfirmed) | orders | `buyers` |" in page
    assert "| `lines` | list of OrderLineFacts | yes |" in page
    assert "nobody" in page
