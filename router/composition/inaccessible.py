"""To follow in the next step."""

from router.composition.merging import Merge


def check_inaccessible(merge: Merge) -> None:
    """Check."""
