"""The commands of `storegraph payments`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from runtime.cli_options import DEFAULT_DATA_DIR, DataDir

payments = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Compare the shop's money books.")

_Provider = Annotated[str, typer.Option(help="sandbox or stripe; by default whoever takes new payments.")]
_Days = Annotated[int, typer.Option(min=1, max=31, help="How many days, counted back from the end.")]
_Until = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The end, a day in UTC; by default now.")]


@payments.command()
def reconcile(
    days: _Days = 7, until: _Until = None, provider: _Provider = "", data_dir: DataDir = DEFAULT_DATA_DIR
) -> None:
    """Compare our books with the provider's statement, and the ledger with itself; the exit code is 1 if they differ.

    Examples:

        storegraph payments reconcile

        storegraph payments reconcile --days 31 --until 2026-11-01 --provider stripe
    """
    from runtime.payments_command import run_reconcile  # noqa: PLC0415

    end = until.replace(tzinfo=UTC) if until else datetime.now(UTC)
    raise typer.Exit(run_reconcile(data_dir, provider or None, days, end))
