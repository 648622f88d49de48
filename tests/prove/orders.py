"""What orders, payments and shipping claim: one order and one charge, whatever is killed, raced or sent."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from rich.table import Table

from benchmarks import checkout
from tests.crash.matrix import EVENTS_TWICE, SCENARIOS, Cell, Machine, cells, machine, run_cell
from tests.prove.checkout import HERE
from tests.prove.claims import Prover
from tests.prove.orders_input import prove_budgets, prove_input
from tests.prove.orders_payments import prove_payments
from tests.prove.orders_races import Shops, prove_races
from tests.prove.orders_stress import prove_stress
from tests.servers import Servers

_PROPERTIES: Final = (
    "tests/kernel/test_money.py",
    "tests/subgraphs/orders/test_domain.py",
    "tests/subgraphs/orders/test_returns.py::test_a_line_that_comes_back_piece_by_piece_gives_back_what_was_paid_for_it",
    "tests/subgraphs/orders/test_edits.py::test_pieces_that_stay_keep_their_price_and_their_part_of_the_discount",
    "tests/subgraphs/orders/test_taxes.py::test_the_taxes_of_each_rate_add_up_to_the_tax_of_its_sum",
)


def prove(prover: Prover) -> None:
    """Run every claim of this area."""
    servers = Servers()
    try:
        shops = Shops(servers.postgres())
        asyncio.run(_sales(prover, shops))
    finally:
        servers.stop()
    with prover.part("Money is never made or lost by rounding: taxes, discounts, returns, in 0, 2 and 3 decimals"):
        _rounding(prover)
    if not prover.quick:
        with prover.part("CPU of all processes, beside Vendure's recorded figures"):
            for row in checkout.measure(100):
                prover.at_most(
                    f"{row.name}: {row.ours:.1f} ms, as a part of {row.vendure:.0f} ms", row.ratio, row.bound
                )
    with prover.part("The crash matrix, on real PostgreSQL and RabbitMQ"):
        _crash_matrix(prover)


async def _sales(prover: Prover, shops: Shops) -> None:
    parts: dict[str, Callable[[Prover, Shops], Awaitable[None]]] = {
        "Budgets": prove_budgets,
        "Bad input": prove_input,
        "Races": prove_races,
        "Stress": prove_stress,
        "Payments and parcels": lambda prover, shops: prove_payments(prover, shops.postgres),
    }
    for title, part in parts.items():
        with prover.part(title):
            await part(prover, shops)


def _rounding(prover: Prover) -> None:
    command = [sys.executable, "-m", "pytest", *_PROPERTIES, "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    seen = f"exit {done.returncode}, {done.stdout.strip().splitlines()[-1]}"
    prover.check("properties of amounts", seen, "exit 0", done.returncode == 0)


def _crash_matrix(prover: Prover) -> None:
    chosen = _sample() if prover.quick else cells()
    with machine() as made:
        found = {cell: _run(prover, made, cell) for cell in chosen}
    prover.console.print(_table(found))
    if not prover.quick:
        prover.check("cells of the crash matrix", len(found), ">= 60", len(found) >= 60)
    prover.equal("cells that end with an anomaly", [cell.name for cell, anomalies in found.items() if anomalies], [])


def _sample() -> list[Cell]:
    """Choose one fault for each disturbed call, so that the sample has every call and every fault."""
    matrix = cells()
    calls = list(dict.fromkeys((cell.scenario, cell.call) for cell in matrix if cell.fault != EVENTS_TWICE))
    faults = list(dict.fromkeys(cell.fault for cell in matrix if cell.fault != EVENTS_TWICE))
    chosen = [Cell(*call, faults[at % len(faults)]) for at, call in enumerate(calls)]
    return [*chosen, next(cell for cell in matrix if cell.fault == EVENTS_TWICE)]


def _run(prover: Prover, made: Machine, cell: Cell) -> list[str]:
    try:
        anomalies = asyncio.run(run_cell(made, cell))
    except Exception as error:
        anomalies = [f"{type(error).__name__}: {error}"]
    prover.console.print(f"  {cell.name}: {'; '.join(anomalies) or 'as it must be'}")
    return anomalies


def _table(found: dict[Cell, list[str]]) -> Table:
    """Draw the matrix: a row for each fault, a column for each disturbed call."""
    columns = [(name, call) for name, scenario in SCENARIOS.items() for call in (*scenario.calls, "every event")]
    known = [pair for pair in columns if any((cell.scenario, cell.call) == pair for cell in found)]
    table = Table("fault", *(f"{scenario}\n{call}" for scenario, call in known), title="crash matrix")
    for fault in dict.fromkeys(cell.fault for cell in found):
        row = [found.get(Cell(scenario, call, fault)) for scenario, call in known]
        table.add_row(fault, *("" if each is None else "FAILS" if each else "ok" for each in row))
    return table
