"""What the project claims, measured beside its bounds: `make prove AREA=...`, one module for each area."""
