"""What ties one request's work together across subgraphs, and the logs that carry it.

The correlation id is born with the first request and travels with every call and event; the causation id
names the event whose handling led to this one. Both live in context variables, so that no signature has to
pass them on.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

import structlog

from kernel.ids import new_id

_correlation: ContextVar[str] = ContextVar("correlation_id", default="")
_causation: ContextVar[str] = ContextVar("causation_id", default="")
_traceparent: ContextVar[str] = ContextVar("traceparent", default="")

_SAFE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_SECRET_NAMES: Final = re.compile(r"password|secret|token|authorization|cookie|api_?key|card", re.IGNORECASE)


def correlation_id() -> str:
    """Tell the correlation id of the current request; empty outside of one."""
    return _correlation.get()


def causation_id() -> str:
    """Tell the id of the event being handled; empty outside of a consumer."""
    return _causation.get()


def traceparent() -> str:
    """Tell the W3C trace context of the current request; empty when it came without one."""
    return _traceparent.get()


@contextmanager
def correlated(correlation: str = "", *, causation: str = "", trace: str = "") -> Generator[str]:
    """Run a block under a correlation id; a missing or unsafe one is replaced by a new id."""
    chosen = correlation if _SAFE_ID.fullmatch(correlation) else new_id("evt")
    tokens = (_correlation.set(chosen), _causation.set(causation), _traceparent.set(trace))
    try:
        yield chosen
    finally:
        _correlation.reset(tokens[0])
        _causation.reset(tokens[1])
        _traceparent.reset(tokens[2])


@contextmanager
def traced(trace: str) -> Generator[None]:
    """Run a block below another span of the trace."""
    token = _traceparent.set(trace)
    try:
        yield
    finally:
        _traceparent.reset(token)


def configure_logging(
    *, level: str = "INFO", style: Literal["json", "console"] = "console", stream: Any = None
) -> None:
    """Send structured logs to `stream` (standard error unless told), one line each, secrets blanked."""
    renderer = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            _add_correlation,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _blank_secrets,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Make a logger whose lines name the part of the system they come from."""
    return structlog.get_logger(part=name)


def _add_correlation(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if correlation := _correlation.get():
        fields.setdefault("correlation_id", correlation)
    return fields


def _blank_secrets(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in fields:
        if _SECRET_NAMES.search(name):
            fields[name] = "***"
    return fields
