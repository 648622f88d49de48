"""Backup and restore: the database as one consistent dump, and the keys without which parts of it cannot be read."""
