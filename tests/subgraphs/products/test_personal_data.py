"""Who has used a voucher is told to them, carried over from their time as a guest, and forgotten with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from subgraphs.products.domain.vouchers import buyer_mark
from subgraphs.products.storage.personal_data import PERSONAL_DATA
from subgraphs.products.storage.tables import voucher_uses

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
