"""The log: one structured line for each event, whoever writes it."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import logging, structlog
from router.telemetry_settings import TelemetrySettings
from router.telemetry.logs import configure_logs

configure_logs(TelemetrySettings(log_format={format!r}, log_level="info"))
structlog.get_logger("router").info("ours", subgraph="products")
structlog.get_logger("router").debug("too fine")
logging.getLogger("somebody").warning("theirs %s", 1)
logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("router").exception("broken")
"""


def written(log_format: str) -> list[str]:
    script = SCRIPT.format(format=log_format)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_machines_get_one_json_object_for_each_event() -> None:
    ours, theirs, broken = map(json.loads, written("auto"))

    assert (ours["event"], ours["level"], ours["subgraph"]) == ("ours", "info", "products")
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"]) == ("theirs 1", "warning")
    assert "ZeroDivisionError" in broken["exception"]


def test_people_get_lines_to_read() -> None:
    lines = written("console")

    assert "ours" in lines[0]
    assert not lines[0].startswith("{")
