"""What the catalogue keeps about people is told to them and forgotten with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from subgraphs.products.domain.vouchers import buyer_mark
from subgraphs.products.storage.personal_data import PERSONAL_DATA
from subgraphs.products.storage.tables import assets, transfers, voucher_uses

ADA, BEN = "usr_ada", "usr_ben"


async def test_the_vouchers_of_a_person_are_theirs_until_they_are_forgotten(database):
    marks = {"ord_1": buyer_mark(ADA, "x@example.com"), "ord_2": buyer_mark(None, "Ada@example.com")}
    marks["ord_3"] = buyer_mark(BEN, "ada@example.com")
    uses = [
        {"order_id": order, "code": "TEN", "buyer": mark, "used_at": datetime(2026, 1, 1, tzinfo=UTC)}
        for order, mark in marks.items()
    ]

    async def run(statement: str, **values: Any) -> list[str]:
        async with database.transaction() as session:
            return sorted((await session.execute(text(statement), values)).scalars())

    async with database.transaction() as session:
        await session.execute(text("SET session_replication_role = replica"))  # a use without its voucher will do
        await session.execute(voucher_uses.insert(), uses)
        await session.execute(text("SET session_replication_role = DEFAULT"))

    took = f"{PERSONAL_DATA.take_over['vouchers']} RETURNING order_id"
    assert await run(took, user_id=ADA, email="ada@example.com") == ["ord_2"]
    assert len(await run(PERSONAL_DATA.collect["vouchers"], user_id=ADA)) == 2
    erased = f"{PERSONAL_DATA.erase['vouchers']} RETURNING order_id"
    assert await run(erased, user_id=ADA) == ["ord_1", "ord_2"]
    assert await run(PERSONAL_DATA.collect["vouchers"], user_id=ADA) == []
    assert await run("SELECT buyer FROM voucher_uses WHERE order_id = 'ord_3'") == [marks["ord_3"]]


async def test_uploads_and_transfers_name_nobody_any_more(database):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    async with database.transaction() as session:
        for who in (ADA, BEN):
            file = {"id": f"file_{who}", "owner_id": who, "file_name": f"{who}.png", "media_type": "image/png"}
            await session.execute(assets.insert().values(**file, state="READY"))
            job = {"id": f"job_{who}", "owner_id": who, "file_id": f"file_{who}", "kind": "IMPORT", "state": "DONE"}
            await session.execute(transfers.insert().values(**job, format="JSON_LINES", currency="EUR", created_at=now))
        for subject in ("uploads", "transfers"):
            found = (await session.execute(text(PERSONAL_DATA.collect[subject]), {"user_id": ADA})).all()
            assert [row.id for row in found] == [f"{'file' if subject == 'uploads' else 'job'}_{ADA}"]
            await session.execute(text(PERSONAL_DATA.erase[subject]), {"user_id": ADA})
            assert (await session.execute(text(PERSONAL_DATA.collect[subject]), {"user_id": ADA})).all() == []
        left = (await session.execute(text("SELECT owner_id, file_name FROM assets ORDER BY owner_id"))).all()
    assert [tuple(row) for row in left] == [("", ""), (BEN, f"{BEN}.png")]
