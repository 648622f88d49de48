"""Runs the shop: the `storegraph` command, the embedded stack, demo data. May import everything; nothing imports it."""
