"""The envelope of a domain event: CloudEvents 1.0 in JSON, with what ordering and tracing need beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import msgspec

from kernel.errors import InfrastructureError
from kernel.events.catalogue import CATALOGUE, Payload


class UnknownEventError(InfrastructureError):
    """An event of a type, or with a body, that the catalogue does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, as it travels between subgraphs.

    `subject` is the id of the aggregate it happened to: events of one subject reach a consumer in order.
    """

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    data: Payload
    aggregate_version: int = 0
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""

    @property
    def dataschema(self) -> str:
        """Where the JSON Schema of the body is published."""
        return f"schema/events/{self.type}.v{self.data.version}.json"

    def to_builtins(self) -> dict[str, Any]:
        """Spell the event as a JSON object with the attribute names of CloudEvents."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "type": self.type,
            "source": self.source,
            "subject": self.subject,
            "time": self.time.isoformat(),
            "datacontenttype": "application/json",
            "dataschema": self.dataschema,
            "data": msgspec.to_builtins(self.data),
            "aggregateversion": self.aggregate_version,
            "correlationid": self.correlation_id,
            "causationid": self.causation_id,
            "traceparent": self.traceparent,
        }

    @classmethod
    def from_builtins(cls, fields: dict[str, Any]) -> Self:
        """Read an event from its JSON object; fields of `data` that are not known here are passed over.

        Raises:
            UnknownEventError: the type is not in the catalogue, or the body does not fit it.
        """
        try:
            return cls(
                id=fields["id"],
                type=fields["type"],
                source=fields["source"],
                subject=fields["subject"],
                time=datetime.fromisoformat(fields["time"]),
                data=msgspec.convert(fields["data"], CATALOGUE[fields["type"]]),
                aggregate_version=fields.get("aggregateversion", 0),
                correlation_id=fields.get("correlationid", ""),
                causation_id=fields.get("causationid", ""),
                traceparent=fields.get("traceparent", ""),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise UnknownEventError(f"Not an event of the catalogue: {error!r}") from error

    def to_json(self) -> bytes:
        """Spell the event as JSON text."""
        return msgspec.json.encode(self.to_builtins())

    @classmethod
    def from_json(cls, text: bytes | str) -> Self:
        """Read an event from JSON text."""
        try:
            fields = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise UnknownEventError(f"Not an event: {error}") from error
        return cls.from_builtins(fields)
