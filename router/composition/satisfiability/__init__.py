"""To follow in the next step."""

from router.composition.merging import Merge


def check_satisfiability(merge: Merge) -> None:
    """Check."""
