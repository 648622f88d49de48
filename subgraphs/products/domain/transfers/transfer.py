"""An import or export under way: where it stands, and what has become of the products so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Final

from subgraphs.products.domain.transfers.filed import BEGINNING, FileFormat, Place

MEDIA_TYPES: Final = {FileFormat.SHOPIFY_CSV: "text/csv", FileFormat.JSON_LINES: "application/x-ndjson"}
"""What files of a format are."""

MOST_FAILURES: Final = 5
"""After so many attempts at one portion without success nobody tries again."""


class TransferKind(Enum):
    """In which direction products go."""

    IMPORT = "IMPORT"
    EXPORT = "EXPORT"


class TransferState(Enum):
    """Whether there is something left to do."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """An import or export; `seller_id` is the vendor in whose name it is done, and whose products alone it is about."""

    id: str
    kind: TransferKind
    format: FileFormat
    currency: str
    owner_id: str
    file_id: str
    created_at: datetime
    seller_id: str | None = None
    digest: str | None = None
    state: TransferState = TransferState.RUNNING
    size: int = 0
    place: Place = BEGINNING
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    exported: int = 0
    failures: int = 0
    reason: str | None = None
    finished_at: datetime | None = None

    @property
    def progress(self) -> float:
        """Tell how much of a file was read, from 0 to 1."""
        if self.state is TransferState.DONE:
            return 1.0
        return min(self.place.offset / self.size, 1.0) if self.size else 0.0

    def failed(self, reason: str, now: datetime) -> Transfer:
        """Give it as it is when nothing more can be done."""
        return replace(self, state=TransferState.FAILED, reason=reason, finished_at=now)
