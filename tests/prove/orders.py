"""What orders, payments and shipping claim: one order and one charge, whatever is killed at whatever moment."""

from __future__ import annotations

import asyncio

from rich.table import Table

from tests.crash.matrix import SCENARIOS, Cell, Machine, cells, machine, run_cell
from tests.prove.claims import Prover


def prove(prover: Prover) -> None:
    """Run every claim of this area."""
    with prover.part("The crash matrix, on real PostgreSQL and RabbitMQ"):
        _crash_matrix(prover)


def _crash_matrix(prover: Prover) -> None:
    chosen = [cell for cell in cells() if not prover.quick or _quick(cell)]
    with machine() as made:
        found = {cell: _run(prover, made, cell) for cell in chosen}
    prover.console.print(_table(found))
    if not prover.quick:
        prover.check("cells of the crash matrix", len(found), ">= 60", len(found) >= 60)
    prover.equal("cells that end with an anomaly", [cell.name for cell, anomalies in found.items() if anomalies], [])


def _quick(cell: Cell) -> bool:
    return cell.fault in {"kill-before", "kill-during-2", "kill-after", "database-after"}


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
