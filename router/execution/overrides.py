"""Progressive overrides: which of a supergraph's labels are active for a request.

A label `percent(20)` is active for a fifth of the requests, by chance. Any other label is active when whoever made the
request's context says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from random import random

PERCENT = re.compile(r"percent\((\d+(?:\.\d+)?)\)")


class Overrides:
    """The labels of a supergraph."""

    def __init__(self, labels: Iterable[str]) -> None:
        self._labels = frozenset(labels)
        shares = {label: PERCENT.fullmatch(label) for label in self._labels}
        self._shares = {label: float(match[1]) / 100 for label, match in shares.items() if match}

    def active(self, chosen: frozenset[str]) -> frozenset[str]:
        """Return the labels that are active for one request."""
        if not self._labels:
            return self._labels
        drawn = (label for label, share in self._shares.items() if random() < share)  # noqa: S311 - no secret
        return (chosen & self._labels).union(drawn)
