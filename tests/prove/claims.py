"""A claim, its figure and its bound, and the table that they are printed in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that was measured: `figure` is what was seen, `bound` what it must be."""

    text: str
    figure: str
    bound: str
    holds: bool


@dataclass(slots=True)
class Prover:
    """Collects the claims of an area; a part that breaks is a claim that does not hold, and the next part runs."""

    area: str
    quick: bool
    claims: list[Claim] = field(default_factory=list)
    console: Console = field(default_factory=lambda: Console(highlight=False, width=150))

    def check(self, text: str, figure: object, bound: str, holds: bool) -> None:
        """Record a claim and print it at once."""
        claim = Claim(text, str(figure), bound, holds)
        self.claims.append(claim)
        self.console.print(
            f"  {'[green]holds[/]' if holds else '[red]FALLS SHORT[/]'}  {text}: {figure} (bound: {bound})"
        )

    def at_most(self, text: str, figure: float, bound: float, unit: str = "") -> None:
        """Record a figure that must not pass its bound."""
        self.check(text, f"{figure:.2f} {unit}".strip(), f"<= {bound:g} {unit}".strip(), figure <= bound)

    def equal(self, text: str, figure: object, bound: object) -> None:
        """Record a figure that must be exactly its bound."""
        self.check(text, figure, f"= {bound}", figure == bound)

    @contextmanager
    def part(self, title: str) -> Iterator[None]:
        """Name a group of claims; an exception inside becomes a claim that falls short."""
        self.console.print(f"\n[bold]{title}[/]")
        began = time.monotonic()
        try:
            yield
        except Exception as error:
            self.check(f"{title} runs to its end", f"{type(error).__name__}: {error}", "no error", holds=False)
        self.console.print(f"  [dim]{time.monotonic() - began:.1f} s[/]")

    def conclude(self) -> int:
        """Print the table and the closing line; the exit code is 0 when every claim holds."""
        table = Table("claim", "seen", "bound", "", title=f"prove {self.area}{' (quick)' if self.quick else ''}")
        for claim in self.claims:
            table.add_row(
                claim.text, claim.figure, claim.bound, "[green]holds[/]" if claim.holds else "[red]falls short[/]"
            )
        self.console.print(table)
        held = sum(claim.holds for claim in self.claims)
        print(f"prove {self.area}: {held} of {len(self.claims)} hold")
        return 0 if self.claims and held == len(self.claims) else 1


Area = Callable[[Prover], None]
