"""The rules that each subgraph has to keep by itself."""

from __future__ import annotations

from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema


def check_subgraph(subgraph: SubgraphSchema, report: Report) -> None:
    """Check a subgraph as it was written."""


def check_upgraded(subgraph: SubgraphSchema, report: Report) -> None:
    """Check a subgraph that was upgraded from federation 1."""
