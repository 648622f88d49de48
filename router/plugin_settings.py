"""Settings of plugins."""

from __future__ import annotations

from typing import Any

import msgspec

from router.sections import Section, demand


class PluginSettings(Section, frozen=True):
    """A plugin and what it is told.

    Attributes:
        use: its class: `package.module:Class`, or `path/to/file.py:Class`.
        settings: handed to the class as keyword arguments.
    """

    use: str
    settings: dict[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what names no class."""
        demand(
            all(self.use.rpartition(":")[::2]), f"use: '{self.use}' is not of the form module:Class or file.py:Class"
        )
