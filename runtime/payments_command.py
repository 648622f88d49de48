"""`storegraph payments`: our books beside the provider's, on a store that runs or is down."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from kernel.calls import InProcessCalls
from kernel.database import Database
from kernel.errors import DomainError, InfrastructureError
from kernel.settings import Settings
from kernel.subgraph import Parts
from runtime.errors import StartError
from runtime.store_database import store_database
from subgraphs.payments.app import build_service
from subgraphs.payments.domain.ledger import Balance
from subgraphs.payments.domain.reconciliation import Reconciliation


class PaymentsCommandError(StartError):
    """The books cannot be compared; the message says why."""


def run_reconcile(data_dir: Path, provider: str | None, days: int, until: datetime) -> int:
    """Print where our books and the provider's differ; the exit code is 1 if they do anywhere.

    Raises:
        PaymentsCommandError: in one line, why there is no comparison.
    """
    with store_database(data_dir) as url:
        settings = Settings.load().model_copy(update={"database_url": url})
        try:
            report, balances = asyncio.run(_report(settings, provider, until - timedelta(days=days), until))
        except (DomainError, InfrastructureError) as error:
            raise PaymentsCommandError(error.message) from error
    console = Console(highlight=False)
    _print(console, report, balances)
    return 1 if report.differences else 0


async def _report(
    settings: Settings, provider: str | None, since: datetime, until: datetime
) -> tuple[Reconciliation, list[Balance]]:
    async with Database(settings.database_url, schema="payments") as database:
        service = build_service(settings, Parts(database=database, calls=InProcessCalls("payments", {})))
        return await service.reconciler.report(provider, since, until), await service.desk.balances()


def _print(console: Console, report: Reconciliation, balances: list[Balance]) -> None:
    accounts = Table("account", "balance", title="Ledger: debits less credits", title_justify="left")
    for each in balances:
        accounts.add_row(each.account, str(each.amount))
    console.print(accounts)
    console.print(
        f"{report.provider}, {report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC: "
        f"{report.lines_here} lines here, {report.lines_at_provider} at the provider, "
        f"{report.undecided} payments undecided.",
        soft_wrap=True,
    )
    if not report.differences:
        console.print("Both sides agree.")
        return
    table = Table(
        "what", "about", "reference", "payment", "here", "provider", title="Differences", title_justify="left"
    )
    for one in report.differences:
        here, there = str(one.here or ""), str(one.at_provider or "")
        table.add_row(one.kind, one.about, one.reference, one.payment_id or "", here, there)
    console.print(table)
