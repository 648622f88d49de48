"""The daily turnover follows the ledger, whatever the order in which transactions commit."""

from datetime import date

from sqlalchemy import text

from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.service.auditing import project, renew_projections
from subgraphs.inventory.storage import feed
from subgraphs.inventory.storage.turnover import turnover


async def follow(database):
    entries = 0
    for _ in range(50):
        applied = await project(database)
        entries += applied
        async with database.session() as session:
            behind = await session.scalar(
                text("SELECT pg_snapshot_xmin(pg_current_snapshot()) > (SELECT until FROM projections)")
            )
        if not applied and not behind:
            break
    return entries


async def received(database):
    async with database.session() as session:
        days = await turnover(session, date(2000, 1, 1), date(2100, 1, 1), sku=None, warehouse_id=None)
    return sum(each.received for each in days)


async def test_every_entry_counts_once(service, stocked, database):
    await stocked({"A": {"wh_near": 5, "wh_far": 2}})
    assert await follow(database) == 2
    assert await received(database) == 7
    await service.receive("A", "wh_near", 3, reference="", key="k1")
    await service.reserve("chk", [Wish("A", 1)], 60, "k2")
    assert await follow(database) == 2
    assert await follow(database) == 0
    assert await received(database) == 10


async def test_what_commits_late_is_not_skipped(service, stocked, database):
    """The position of the late entry is lower than that of one which was read already."""
    await stocked({"A": {"wh_near": 1}, "B": {"wh_near": 1}})
    insertion = text(
        "INSERT INTO stock_events (sku, warehouse_id, version, type, quantity, occurred_at, schema_version) "
        "VALUES ('A', 'wh_near', 2, 'StockReceived', 100, now(), 2)"
    )
    async with database.transaction() as late:
        await late.execute(insertion)
        await service.receive("B", "wh_near", 10, reference="", key="k1")
        await follow(database)
    await follow(database)
    assert await received(database) == 112


async def test_long_ledgers_are_read_in_portions(service, stocked, database, monkeypatch):
    monkeypatch.setattr(feed, "PORTION", 3)
    await stocked({f"S{number}": {"wh_near": 1} for number in range(10)})
    assert await project(database) == 0  # the first look only finds where to stop
    assert [await project(database) for _ in range(5)] == [3, 3, 3, 1, 0]
    assert await received(database) == 10


async def test_a_projection_can_be_made_anew(service, stocked, database):
    await stocked({"A": {"wh_near": 5}})
    await follow(database)
    async with database.transaction() as session:
        await session.execute(text("UPDATE stock_turnover SET received = 99"))
    assert await renew_projections(database) == 1
    assert await received(database) == 5
    await service.receive("A", "wh_near", 1, reference="", key="k1")
    await follow(database)
    assert await received(database) == 6
