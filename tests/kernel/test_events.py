"""The published language and its envelope."""

import json
from dataclasses import fields
from datetime import UTC, datetime

import pytest

from kernel.events.catalogue import CATALOGUE, OrderConfirmed, OrderLineFacts, PostalAddress, StockLine
from kernel.events.envelope import Event, UnknownEventError
from kernel.events.schemas import event_schemas

CONFIRMED = OrderConfirmed(
    order_id="ord_1",
    number="1001",
    customer_id=None,
    email="a@example.com",
    currency="EUR",
    total_minor=1250,
    lines=(OrderLineFacts(sku="S", product_id="prod_1", name="Shoe", quantity=1, unit_price_minor=1250),),
    stock=(StockLine(sku="S", quantity=1, warehouse_id="wh_1"),),
    shipping_address=PostalAddress(name="A", line1="B", city="C", postal_code="1", country="DE"),
    shipping_method_id="shm_1",
    confirmed_at="2026-06-01T12:00:00+00:00",
)
EVENT = Event(
    id="evt_1",
    type="OrderConfirmed",
    source="/storegraph/orders",
    subject="ord_1",
    time=datetime(2026, 6, 1, 12, tzinfo=UTC),
    data=CONFIRMED,
    aggregate_version=3,
    correlation_id="c",
    causation_id="d",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def test_an_event_survives_its_journey():
    assert Event.from_json(EVENT.to_json()) == EVENT


def test_it_is_a_cloud_event():
    body = json.loads(EVENT.to_json())
    assert {name: body[name] for name in ("specversion", "id", "type", "source", "subject", "time")} == {
        "specversion": "1.0",
        "id": "evt_1",
        "type": "OrderConfirmed",
        "source": "/storegraph/orders",
        "subject": "ord_1",
        "time": "2026-06-01T12:00:00+00:00",
    }
    assert body["dataschema"] == "schema/events/OrderConfirmed.v1.json"
    assert all(name.isalnum() and name.islower() for name in body)


def test_what_a_newer_producer_adds_is_passed_over():
    body = EVENT.to_builtins()
    body["data"]["gift"] = True
    assert Event.from_builtins(body) == EVENT


@pytest.mark.parametrize("change", [{"type": "Nonsense"}, {"data": {}}, {"data": None}, {"time": "noon"}, {"id": None}])
def test_what_is_not_of_the_catalogue_is_refused(change: dict):
    body = {name: value for name, value in (EVENT.to_builtins() | change).items() if value is not None}
    with pytest.raises(UnknownEventError):
        Event.from_builtins(body)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"1"])
def test_what_is_no_event_is_refused(text: bytes):
    with pytest.raises(UnknownEventError):
        Event.from_json(text)


def test_every_event_names_its_producer_and_has_a_schema_with_all_its_fields():
    schemas = event_schemas()
    assert sorted(schemas) == sorted(f"{name}.v1" for name in CATALOGUE)
    for name, payload in CATALOGUE.items():
        schema = schemas[f"{name}.v1"]
        assert payload.producer
        assert schema["x-producer"] == payload.producer
        assert schema["description"]
        assert set(schema["properties"]) == {field.name for field in fields(payload)}


def test_schemas_refer_only_to_what_they_hold():
    for schema in event_schemas().values():
        text = json.dumps(schema)
        referred = {part.split('"')[0] for part in text.split("#/$defs/")[1:]}
        assert referred <= set(schema.get("$defs", {}))
