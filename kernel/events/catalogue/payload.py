"""What every event of the catalogue is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What all payloads share: the version of their schema, who publishes them, and what of them is about a person.

    `personal` names the fields that identify somebody; erasure blanks them wherever the event is kept. Whose they are
    is told by `user_id` or `customer_id`.
    """

    version: ClassVar[int] = 1
    producer: ClassVar[str] = ""
    personal: ClassVar[tuple[str, ...]] = ()
