"""Forecasts from the command line: a backtest of a store's history with its report, and history from a file."""

import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, date, datetime, timedelta

import pytest
from rich.console import Console
from typer.testing import CliRunner

from kernel.database import Database
from kernel.testing import FixedClock
from runtime.cli import app
from runtime.forecast_command import UnreadableDemandError, judge, read_demand, table
from runtime.forecast_report import plot, render
from subgraphs.inventory.domain.forecasting.backtest import Plan
from subgraphs.inventory.domain.forecasting.series import monday
from subgraphs.inventory.domain.forecasting.summary import SEASONAL_NAIVE, summarise
from subgraphs.inventory.storage import demand
from subgraphs.inventory.storage.demand import SoldElsewhere

NOW = datetime(2026, 6, 3, tzinfo=UTC)
PLAN = Plan(count=3)


@pytest.fixture(scope="module")
async def store(make_database):
    """A store of three SKUs: two that sell with their weeks, and one that is new."""
    url = await make_database("inventory")
    end = monday(NOW.date())
    told = [
        SoldElsewhere(sku, "stores", end - timedelta(weeks=week), 5 + (week * step) % 7)
        for sku, step, weeks in (("A", 3, 100), ("B", 5, 90), ("<new>", 2, 8))
        for week in range(1, weeks + 1)
    ]
    async with Database(url, schema="inventory") as database, database.transaction() as session:
        await demand.set_group(session, "cat_1", ["A", "B", "<new>"])
        await demand.import_sold(session, told)
    return url


async def test_a_store_is_judged_and_its_report_has_a_plot_for_each_sku(store):
    scores = await judge(store, PLAN, FixedClock(NOW))
    assert [score.sku for score in scores] == ["A", "B"]
    assert all(len(score.shown) == 12 for score in scores)
    assert scores[0].shown[-1][0] == monday(NOW.date()) - timedelta(weeks=1)
    summaries = summarise(scores)
    assert [each.skus for each in summaries] == [2, 2]
    assert set(summaries[0].better) >= {"naive", SEASONAL_NAIVE}
    page = render(summaries, scores, title="A <store>")
    assert "<title>A &lt;store&gt;</title>" in page
    assert len(re.findall("<figure>", page)) == 2
    console = Console(width=200, record=True)
    console.print(table(summaries))
    assert "better than seasonal" in console.export_text()


async def test_a_plot_is_a_drawing_that_stays_on_its_page(store):
    for score in await judge(store, PLAN, FixedClock(NOW)):
        drawing = ElementTree.fromstring(plot(score))
        _, _, width, height = map(float, drawing.attrib["viewBox"].split())
        points = drawing.find("{http://www.w3.org/2000/svg}polygon").attrib["points"].split()
        assert len(points) == 2 * len(score.shown)
        for point in points:
            x, y = map(float, point.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height


def test_days_of_a_week_are_added_up(tmp_path):
    file = tmp_path / "sold.csv"
    file.write_text("week,sku,channel,quantity\n2026-06-03,A,stores,2\n2026-06-01,A,stores,3\n2026-06-01,A,web,1\n")
    assert list(read_demand(file)) == [
        SoldElsewhere("A", "stores", date(2026, 6, 1), 5),
        SoldElsewhere("A", "web", date(2026, 6, 1), 1),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sku,week\nA,2026-06-01\n", "columns"),
        ("sku,channel,week,quantity\nA,s,yesterday,1\n", "line 2"),
        ("sku,channel,week,quantity\nA,s,2026-06-01,1\nA,s,2026-06-01,x\n", "line 3"),
        ("sku,channel,week,quantity\n,s,2026-06-01,1\n", "line 2"),
        ("sku,channel,week,quantity\nA,s,2026-06-01,-1\n", "line 2"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(tmp_path, text, why):
    file = tmp_path / "sold.csv"
    file.write_text(text)
    with pytest.raises(UnreadableDemandError, match=why):
        list(read_demand(file))


def test_the_commands_are_told_by_help():
    runner = CliRunner()
    for command in ("backtest", "import-demand"):
        shown = runner.invoke(app, ["inventory", command, "--help"])
        assert shown.exit_code == 0
        assert "storegraph inventory" in shown.output
