"""Settings that switch on the parts of the gate which stand on the ways to subgraphs, for the benchmark `gate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OVERLAYS: Final[Mapping[str, str]] = {
    "traffic": """
traffic:
  timeout: 10
  deadline_header: x-request-timeout-ms
  retry: {}
  breaker: {}
  concurrency: {}
""",
    "hedging": "traffic: {hedge: {after: 1}}",
    "metrics": "telemetry: {metrics: {}}",
    "traces": "telemetry: {traces: {endpoint: 'http://127.0.0.1:9/v1/traces', sample: 0.01}}",
    "cache": "cache: {enabled: true, everywhere: {max_age: 60}}",
}
