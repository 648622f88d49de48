"""What every subgraph tells that keeps something about people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kernel.events.catalogue.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataErased(Payload):
    """A subgraph has erased a person; `rows` counts what it removed or made anonymous, by table."""

    producer: ClassVar[str] = "subgraphs"
    user_id: str
    request_id: str
    subgraph: str
    rows: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataCollected(Payload):
    """All that a subgraph keeps about a person, sealed for the subgraph users."""

    producer: ClassVar[str] = "subgraphs"
    personal: ClassVar[tuple[str, ...]] = ("sealed_content",)
    user_id: str
    request_id: str
    subgraph: str
    sealed_content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedInSomebodysName(Payload):
    """Somebody of the shop, acting in a person's name, asked a subgraph to change something; `fields` are what."""

    producer: ClassVar[str] = "subgraphs"
    user_id: str
    actor_id: str
    subgraph: str
    fields: tuple[str, ...]
