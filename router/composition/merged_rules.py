"""To follow in the next step."""

from router.composition.merging import Merge


def check_merged(merge: Merge) -> None:
    """Check."""
