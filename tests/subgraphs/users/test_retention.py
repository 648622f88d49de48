"""What is kept for a time only is removed after it, by the jobs that run every hour; and not before."""

from __future__ import annotations

from datetime import timedelta

import pytest

DAY = timedelta(days=1)
KEPT = {
    "users.forget-accesses": ("SELECT 1 FROM access_log", timedelta(days=730)),
    "users.forget-secrets": ("SELECT 1 FROM one_time_secrets", timedelta(days=3)),
    "users.forget-exports": ("SELECT 1 FROM data_requests WHERE content IS NOT NULL", timedelta(days=7)),
}


@pytest.fixture
async def lived(world):
    """An account that was looked at, was mailed a secret, and asked for a copy of its data that nobody fetched."""
    ada = await world.log_in_as(await world.register("ada@example.com"))
    await world.ask('mutation { userPasswordResetRequest(email: "ada@example.com") { errors { code } } }')
    await world.ask("mutation { dataExportRequest { id errors { code } } }", ada)
    await world.deliver()
    support = await world.promote(await world.register(), "staff", "support")
    await world.ask("query($id: ID!) { user(id: $id) { name } }", support, id=ada.id)
    return world


@pytest.mark.parametrize("name", KEPT)
async def test_what_is_kept_for_a_time_goes_after_it(lived, name):
    query, kept = KEPT[name]
    job = next(each for each in lived.subgraph.jobs if each.name == name)
    before = len(await lived.rows(query))
    assert before >= 1

    lived.clock.advance(kept - timedelta(hours=1))
    await job.run()
    assert len(await lived.rows(query)) >= 1, "too early"
    lived.clock.advance(timedelta(hours=2))
    await job.run()

    assert await lived.rows(query) == []
