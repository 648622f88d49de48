"""The rules of the catalogue: pure functions and values, no storage and no clock."""
