"""Every event of the shop's design is published by somebody, and consumed by somebody; and the page says by whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from kernel.events.catalogue import CATALOGUE
from kernel.events.page import event_page, readers_of
from runtime.export_schema import SCHEMA, build_for_schema

HERE = Path(__file__).resolve().parents[2]
SEED = """
    ProductCreated ProductUpdated PriceChanged InventoryChanged StockReserved StockReleased StockAllocated StockLevelLow
    OrderPlaced OrderConfirmed OrderShipped OrderDelivered OrderCancelled PaymentProcessed PaymentFailed PaymentRefunded
    UserRegistered UserProfileUpdated
""".split()  # noqa: SIM905


def made_in(folder: Path) -> set[str]:
    """Name the events that are made somewhere in the code of a folder."""
    made: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call | ast.Tuple | ast.Dict | ast.Subscript | ast.IfExp):
                made |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} & set(CATALOGUE)
    return made


@pytest.fixture(scope="module")
def consumers():
    return {subgraph.name: subgraph.consumers for subgraph in build_for_schema()}


@pytest.mark.parametrize("name", SEED)
def test_every_event_of_the_design_is_published_by_its_producer(name):
    assert name in made_in(HERE / "subgraphs" / CATALOGUE[name].producer)


@pytest.mark.parametrize("name", SEED)
def test_every_event_of_the_design_is_consumed(name, consumers):
    assert readers_of(consumers).get(name)


def test_the_page_names_each_event_its_producer_and_all_its_consumers(consumers):
    page, readers = (SCHEMA / "events.md").read_text(encoding="utf-8"), readers_of(consumers)
    assert page.rstrip() == event_page(consumers).rstrip(), "run `storegraph export-schema`"
    for name, payload in CATALOGUE.items():
        consumed = ", ".join(f"`{each}`" for each in readers.get(name, ())) or "nobody"
        assert f"| [{name}](#{name.lower()}) | {payload.producer} | {consumed} |" in page
