"""Writing Python source.

Names and strings of the client only ever enter the source through `repr`, so that no request can smuggle in code; sets
and tables become constants of the generated module, beside its source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

INDENT = "    "


@dataclass(slots=True)
class Source:
    """Lines of a generated module and the constants they refer to."""

    lines: list[str] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    _level: int = 0
    _names: dict[object, str] = field(default_factory=dict)
    _count: int = 0

    def add(self, line: str) -> None:
        """Write one line at the present depth."""
        self.lines.append(INDENT * self._level + line)

    @contextmanager
    def block(self, line: str) -> Iterator[None]:
        """Write the line that opens a block, and what follows inside it."""
        self.add(line)
        self._level += 1
        try:
            yield
        finally:
            self._level -= 1

    @contextmanager
    def function(self, head: str) -> Iterator[None]:
        """Write a function."""
        self.lines.append("")
        with self.block(f"def {head}:"):
            yield

    def name(self, prefix: str) -> str:
        """Return a name that is not in use."""
        self._count += 1
        return f"{prefix}_{self._count}"

    def constant(self, prefix: str, value: Any) -> str:
        """Return the name of a constant; equal ones are held once."""
        name = self._names.get(value)
        if name is None:
            name = self._names[value] = self.name(prefix)
            self.constants[name] = value
        return name

    def load(self, names: Mapping[str, Any]) -> dict[str, Any]:
        """Run the module and return all its names; `names` are those that it finds besides its constants."""
        loaded = {**names, **self.constants}
        exec(compile(self.text(), "<generated>", "exec"), loaded)  # noqa: S102 - written by the compiler, see above
        return loaded

    def text(self) -> str:
        """Return the module's source, its constants as comments first."""
        shown = [f"# {name} = {_show(value)}" for name, value in self.constants.items()]
        return "\n".join([*shown, *self.lines, ""])


def _show(value: Any) -> str:
    return f"{{{', '.join(map(repr, sorted(value)))}}}" if isinstance(value, frozenset) else repr(value)
