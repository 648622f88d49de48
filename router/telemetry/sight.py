"""What is watched of a router's work; both parts may be missing, and so may then be their libraries in memory."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from router.telemetry_settings import TelemetrySettings

if TYPE_CHECKING:
    from router.telemetry.metrics import Metrics
    from router.telemetry.tracing import Tracing


@dataclass(frozen=True, slots=True)
class Sight:
    """Where what is seen goes to."""

    metrics: Metrics | None = None
    tracing: Tracing | None = None

    def __bool__(self) -> bool:
        """Whether anything is watched."""
        return self.metrics is not None or self.tracing is not None

    def close(self) -> None:
        """Send what is left; this waits."""
        if self.metrics is not None:
            self.metrics.tell()
        if self.tracing is not None:
            self.tracing.close()


SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder in which workers keep their metrics."""
UNSEEN: Final = Sight()
"""Nothing is watched."""


def share_metrics_among_workers() -> None:
    """Have metrics kept in a common folder.

    The library looks for it when it is loaded, so this must be called before, and before the workers are started.
    """
    os.environ.setdefault(SHARED_FOLDER, tempfile.mkdtemp(prefix="storegraph-metrics-"))


def sight_of(settings: TelemetrySettings) -> Sight:
    """Return what the settings want to be watched."""
    metrics = tracing = None
    if settings.metrics is not None:
        from router.telemetry.metrics import process_metrics, serve_metrics  # noqa: PLC0415 - 10 MB that only this needs

        metrics = process_metrics(settings.metrics.buckets)
        serve_metrics(settings.metrics)
    if settings.traces is not None:
        from router.telemetry.tracing import Tracing  # noqa: PLC0415 - 20 MB that only this needs

        tracing = Tracing(settings.traces)
    return Sight(metrics, tracing)
