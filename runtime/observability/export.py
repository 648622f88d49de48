"""Writes `deploy/observability/`: what is generated there is compared with the code by `make check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import yaml

from runtime.export_schema import PROJECT
from runtime.generated_files import report_stale, write_files
from runtime.observability.alerts import alert_group
from runtime.observability.dashboard import dashboard
from runtime.observability.objectives import objective_groups

FOLDER: Final = PROJECT / "deploy" / "observability"
_WRITTEN: Final = "# Written by `storegraph export-observability`; change runtime/observability/ instead.\n"


def generate() -> dict[str, str]:
    """Every generated file's name and its content."""
    groups = {"groups": [*objective_groups(), alert_group()]}
    return {
        "prometheus-rules.yaml": _WRITTEN + yaml.safe_dump(groups, sort_keys=False, width=120),
        "grafana-router.json": json.dumps(dashboard(), indent=2) + "\n",
    }


def run(out: Path | None, *, check: bool) -> int:
    """Write the files, or with `check` name those that differ; the exit code."""
    folder = out or FOLDER
    files = generate()
    if check:
        return report_stale(folder, files, "storegraph export-observability")
    return write_files(folder, files)
