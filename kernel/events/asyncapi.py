"""The event catalogue as an AsyncAPI 3.0 document (https://www.asyncapi.com/docs/reference/specification/v3.0.0)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kernel.events.catalogue import CATALOGUE, Payload
from kernel.events.consumers import Consumer
from kernel.events.rabbitmq.topology import EVENTS, queue_name


def asyncapi_document(consumers: Mapping[str, Iterable[Consumer]]) -> dict[str, Any]:
    """Describe every event: its channel, its envelope, its body by reference, who sends and who receives it.

    Args:
        consumers: the consumers of each subgraph.
    """
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Storegraph domain events",
            "version": "1.0.0",
            "description": "Events are CloudEvents 1.0 envelopes in JSON; those of one subject come in their order.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {name: _channel(name) for name in sorted(CATALOGUE)},
        "operations": {**_sends(), **_receives(consumers)},
        "components": {"messages": {name: _message(CATALOGUE[name]) for name in sorted(CATALOGUE)}},
    }


def _channel(name: str) -> dict[str, Any]:
    return {
        "address": name,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": EVENTS, "type": "topic", "durable": True, "autoDelete": False},
                "bindingVersion": "0.3.0",
            }
        },
    }


def _sends() -> dict[str, Any]:
    return {
        f"{payload.producer}.sends.{name}": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "title": f"{payload.producer} publishes {name}",
        }
        for name, payload in sorted(CATALOGUE.items())
    }


def _receives(consumers: Mapping[str, Iterable[Consumer]]) -> dict[str, Any]:
    return {
        f"{consumer.name}.receives.{name}": {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{name}"},
            "title": f"{subgraph} reads {name} from queue {queue_name(consumer)}",
        }
        for subgraph, each in sorted(consumers.items())
        for consumer in each
        for name in sorted(consumer.subscriptions)
    }


def _message(payload: type[Payload]) -> dict[str, Any]:
    name = payload.__name__
    envelope = {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "description": "Unique; a consumer that has seen it has no second effect."},
            "source": {"const": f"/storegraph/{payload.producer}"},
            "type": {"const": name},
            "subject": {"type": "string", "description": "Id of the aggregate it happened to."},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "dataschema": {"type": "string"},
            "aggregateversion": {"type": "integer"},
            "correlationid": {"type": "string"},
            "causationid": {"type": "string"},
            "traceparent": {"type": "string"},
            "data": {"$ref": f"events/{name}.v{payload.version}.json"},
        },
    }
    return {"name": name, "title": name, "summary": (payload.__doc__ or "").split("\n")[0], "payload": envelope}
