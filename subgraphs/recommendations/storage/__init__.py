"""Counts of what was bought, with what, and by whom."""
