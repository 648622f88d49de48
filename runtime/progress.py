"""What a person sees while something takes long: one line for each step, with its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Steps:
    """Prints each step when it is done; in a terminal it spins meanwhile."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._began = time.monotonic()

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show `text` as under way, then as done with its seconds; a failure is marked and passes through."""
        began = time.monotonic()
        try:
            with self.console.status(text):
                yield
        except BaseException:
            self.console.print(f"[red]✗[/] {text}")
            raise
        self.console.print(f"[green]✓[/] {text} [dim]{time.monotonic() - began:.1f} s[/]")

    @contextmanager
    def bar(self, text: str) -> Iterator[Progress]:
        """A progress bar for long work; add tasks to what is yielded."""
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        began = time.monotonic()
        with Progress(*columns, console=self.console, transient=True) as progress:
            yield progress
        self.console.print(f"[green]✓[/] {text} [dim]{time.monotonic() - began:.1f} s[/]")

    def elapsed(self) -> float:
        """Seconds since the first step began."""
        return time.monotonic() - self._began
