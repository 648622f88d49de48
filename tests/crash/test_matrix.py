"""A few cells of the crash matrix; `make prove AREA=orders` runs all of them."""

import asyncio
from collections.abc import Iterator

import pytest

from runtime.stack.debian import missing
from tests.crash.matrix import SCENARIOS, Cell, Machine, cells, machine, run_cell

CELLS = (
    Cell("buy", "paymentProcess", "kill-during-2"),
    Cell("cancel", "paymentRefund", "kill-after"),
    Cell("buy", "stockAllocate", "database-after"),
    Cell("edit", "allocationChange", "kill-after"),
)
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def made() -> Iterator[Machine]:
    if missing(["rabbitmq-server"]):
        pytest.skip("RabbitMQ is not installed (apt-get install rabbitmq-server)")
    with machine() as made:
        yield made


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_whatever_happens_in_a_sale_its_end_is_one_order_and_one_charge_or_none(made: Machine, cell: Cell):
    assert asyncio.run(run_cell(made, cell)) == []


def test_the_matrix_has_every_scenario_and_at_least_sixty_cells():
    matrix = cells()
    assert len(set(matrix)) == len(matrix) >= 60
    assert {cell.scenario for cell in matrix} == set(SCENARIOS)
