"""How the router writes its log: one structured line for each event, for machines or for people.

The access log has its own writer, since it is on the path of every request: lines are collected and written together.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import BinaryIO, Final, Literal

import orjson
import structlog

from router.telemetry_settings import TelemetrySettings

_FLUSH_SECONDS: Final = 0.2
_LONGEST_NAME: Final = 100


def configure_logs(settings: TelemetrySettings) -> None:
    """Make this process write its log, and that of the libraries it uses, as the settings say."""
    for_people = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    last: list[structlog.types.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if for_people:
        last.append(structlog.dev.ConsoleRenderer())
    else:
        last += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # A warning for each thing a stranger sends that is no HTTP would let strangers fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


class AccessLog:
    """Writes one JSON line for each request, a few times a second."""

    def __init__(
        self,
        mode: Literal["failures", "all"],
        stream: BinaryIO,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.worst_unrecorded = 0 if mode == "all" else 499
        """Requests with a status up to this need not be recorded."""
        self._stream = stream
        self._now = now
        self._lines: list[bytes] = []

    def record(
        self,
        *,
        request_id: bytes,
        method: str,
        path: str,
        status: int,
        size: int,
        seconds: float,
        operation: str | None,
        client: bytes | None = None,
        traceparent: bytes | None = None,
    ) -> None:
        """Note one request that was answered."""
        if status <= self.worst_unrecorded:
            return
        line = {
            "time": self._now(),
            "event": "request",
            "request_id": request_id.decode("ascii"),
            "method": method,
            "path": path,
            "operation": operation,
            "client": client[:_LONGEST_NAME].decode("latin-1") if client else None,
            "trace_id": traceparent[3:35].decode("latin-1") if traceparent else None,
            "status": status,
            "bytes": size,
            "ms": round(seconds * 1000, 3),
        }
        self._lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        if len(self._lines) == 1:
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Write what was noted so far."""
        self._stream.write(b"".join(self._lines))
        self._stream.flush()
        self._lines.clear()
