"""`storegraph inventory backtest` and `import-demand`: forecasts judged on a store's own history, and more history."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from rich.table import Table

from kernel.clock import Clock, SystemClock
from kernel.database import Database
from runtime.errors import StartError
from runtime.forecast_report import render
from runtime.progress import Steps
from runtime.store_database import store_database
from subgraphs.inventory.domain.forecasting.backtest import Plan, Score, backtest
from subgraphs.inventory.domain.forecasting.series import monday
from subgraphs.inventory.domain.forecasting.summary import METHODS, SEASONAL_NAIVE, Summary, summarise
from subgraphs.inventory.service.forecasting import Forecasting
from subgraphs.inventory.settings import InventorySettings
from subgraphs.inventory.storage import demand
from subgraphs.inventory.storage.demand import SoldElsewhere

_COLUMNS = ("sku", "channel", "week", "quantity")


class UnreadableDemandError(StartError):
    """The file is not what was sold elsewhere."""

    exit_code = 2


class NothingToJudgeError(StartError):
    """No SKU has sold for long enough."""


def run_backtest(data_dir: Path, plan: Plan, out: Path | None) -> None:
    """Judge the forecasts on the store's history; print the tables and write the report.

    Raises:
        NothingToJudgeError: no SKU has sold for a year and the weeks that are judged.
    """
    steps = Steps()
    with store_database(data_dir) as url:
        scores = asyncio.run(judge(url, plan))
    if not scores:
        raise NothingToJudgeError("No SKU has sold for more than a year, so there is nothing to compare with.")
    summaries = summarise(scores)
    steps.console.print(table(summaries))
    if out is not None:
        out.write_text(render(summaries, scores, title="Backtest of demand forecasts"))
        steps.console.print(f"{len(scores)} plots: {out}", soft_wrap=True)


async def judge(url: str, plan: Plan, clock: Clock | None = None) -> list[Score]:
    """Read the history and judge the forecasts on it."""
    async with Database(url, schema="inventory") as database:
        forecasting = Forecasting(database, clock or SystemClock(), InventorySettings.load().terms())
        return list(backtest(await forecasting.histories(), plan))


def table(summaries: Sequence[Summary]) -> Table:
    """Lay the summaries out: mean MASE of each method, and on how many SKUs ours beats the seasonal naive."""
    made = Table(
        "demand", "SKUs", *METHODS, "better than seasonal naive", "by RMSSE", "sum of horizon", "inside 80 %",
        title="MASE by kind of demand",
    )  # fmt: skip
    for each in summaries:
        made.add_row(
            each.title,
            str(each.skus),
            *(f"{each.mase[method]:.3f}" for method in METHODS),
            f"{each.better[SEASONAL_NAIVE]:.1%}",
            f"{each.better_rmsse[SEASONAL_NAIVE]:.1%}",
            f"{each.better_total[SEASONAL_NAIVE]:.1%}",
            f"{each.inside:.1%}",
        )
    return made


def run_import(file: Path, data_dir: Path) -> None:
    """Load what was sold elsewhere; weeks that were loaded before are replaced.

    Raises:
        UnreadableDemandError: names the first line that cannot be read; nothing was loaded.
    """
    rows = list(read_demand(file))
    with store_database(data_dir) as url:
        asyncio.run(_import(url, rows))
    Steps().console.print(f"{len(rows)} weeks of {len({row.sku for row in rows})} SKUs are known.")


def read_demand(file: Path) -> Iterator[SoldElsewhere]:
    """Read a CSV file of SKU, channel, any day of the week, and quantity; days of one week are added up."""
    totals: dict[tuple[str, str, date], int] = {}
    with file.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        if set(_COLUMNS) - set(reader.fieldnames or ()):
            raise UnreadableDemandError(f"{file} lacks one of the columns {', '.join(_COLUMNS)}.")
        for row in reader:
            try:
                place = (row["sku"].strip(), row["channel"].strip(), monday(date.fromisoformat(row["week"])))
                quantity = int(row["quantity"])
            except ValueError:
                raise UnreadableDemandError(f"{file}, line {reader.line_num}: no day or no number.") from None
            if not place[0] or quantity < 0:
                raise UnreadableDemandError(f"{file}, line {reader.line_num}: no SKU or a negative number.")
            totals[place] = totals.get(place, 0) + quantity
    return (SoldElsewhere(*place, quantity) for place, quantity in totals.items())


async def _import(url: str, rows: Sequence[SoldElsewhere]) -> None:
    async with Database(url, schema="inventory") as database, database.transaction() as session:
        await demand.import_sold(session, rows)
