"""The rules that only the merged schema can break, though each subgraph keeps its own."""

from __future__ import annotations

from router.composition.merged.access_control import check_transitive_access
from router.composition.merged.implementations import check_implemented, check_merged_types
from router.composition.merged.requires import check_requires_arguments
from router.composition.merging import Merge


def check_merged(merge: Merge) -> None:
    """Check the supergraph as a schema; what clients see of it is checked by :mod:`router.composition.inaccessible`."""
    check_implemented(merge)
    check_requires_arguments(merge)
    check_transitive_access(merge)
    if not merge.report.errors:
        check_merged_types(merge)
