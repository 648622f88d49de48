"""Sessions: refreshed in a chain, ended by log-out, time or theft."""

from __future__ import annotations

import asyncio

import pytest

REFRESH = """
mutation($token: String!) {
  tokenRefresh(refreshToken: $token) { accessToken refreshToken expiresIn user { id roles } errors { code path } }
}"""
LOGOUT = "mutation($token: String!) { userLogout(refreshToken: $token) { loggedOut errors { code } } }"
INVALID = [{"code": "INVALID_TOKEN", "path": ["refreshToken"]}]
DAY = 24 * 3600


@pytest.fixture
async def token(world):
    await world.register("ada@example.com")
    return (await world.log_in("ada@example.com"))["refreshToken"]


async def refresh(world, token):
    return (await world.ask(REFRESH, token=token))["tokenRefresh"]


async def refreshed(world, token):
    payload = await refresh(world, token)
    assert payload["errors"] == []
    return payload["refreshToken"]


async def reasons(world):
    return [row["revoked_because"] for row in await world.rows("SELECT revoked_because FROM session_families")]


async def test_a_session_goes_on_from_token_to_token(world, token):
    tokens = [token]
    for _ in range(3):
        world.clock.advance(seconds=DAY)
        tokens.append(await refreshed(world, tokens[-1]))

    assert len(set(tokens)) == 4


async def test_a_new_access_token_knows_the_roles_of_today(world, token):
    await world.rows("SELECT 1")
    async with world.subgraph.database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("UPDATE users SET roles = '{customer,vendor}'")

    assert (await refresh(world, token))["user"]["roles"] == ["CUSTOMER", "VENDOR"]


async def test_a_used_token_that_comes_back_revokes_its_whole_family(world, token):
    second = await refreshed(world, token)
    third = await refreshed(world, second)
    world.clock.advance(seconds=11)

    stolen = await refresh(world, token)

    assert (stolen["accessToken"], stolen["refreshToken"], stolen["errors"]) == (None, None, INVALID)
    assert (await refresh(world, third))["errors"] == INVALID
    assert await reasons(world) == ["reuse"]


async def test_another_log_in_survives_the_revocation(world, token):
    other = (await world.log_in("ada@example.com"))["refreshToken"]
    await refreshed(world, token)
    world.clock.advance(seconds=11)

    await refresh(world, token)

    assert await refreshed(world, other)


async def test_within_the_grace_a_repeated_token_continues_the_same_chain(world, token):
    second = await refreshed(world, token)
    world.clock.advance(seconds=10)

    assert await refreshed(world, token) == second
    assert await reasons(world) == [None]


async def test_within_the_grace_a_token_two_steps_behind_is_refused_without_harm(world, token):
    second = await refreshed(world, token)
    third = await refreshed(world, second)

    assert (await refresh(world, token))["errors"] == INVALID
    assert await refreshed(world, third)


async def test_twenty_refreshes_at_once_continue_one_chain_and_log_nobody_out(world, token):
    successors = await asyncio.gather(*(refreshed(world, token) for _ in range(20)))

    assert len(set(successors)) == 1
    assert len(await world.rows("SELECT 1 FROM refresh_tokens")) == 2
    world.clock.advance(seconds=60)
    assert await refreshed(world, successors[0])


async def test_theft_and_owner_at_once_end_the_session_whoever_comes_first(world, token):
    second = await refreshed(world, token)
    world.clock.advance(seconds=11)

    await asyncio.gather(refresh(world, token), refresh(world, second), refresh(world, token))

    assert await reasons(world) == ["reuse"]
    [latest] = await world.rows("SELECT count(*) AS live FROM refresh_tokens WHERE used_at IS NULL")
    assert latest["live"] == 1
    assert (await refresh(world, second))["errors"] == INVALID


async def test_an_idle_session_ends(world, token):
    world.clock.advance(seconds=30 * DAY)

    assert (await refresh(world, token))["errors"] == INVALID


async def test_a_busy_session_ends_too_one_day(world, token):
    for _ in range(8):
        world.clock.advance(seconds=20 * DAY)
        token = await refreshed(world, token)
    world.clock.advance(seconds=20 * DAY)

    assert (await refresh(world, token))["errors"] == INVALID


@pytest.mark.parametrize("nonsense", ["", "srt_", "srt_" + "A" * 43, "x" * 5000, "\x00"])
async def test_what_is_no_token_opens_nothing(world, nonsense):
    assert (await refresh(world, nonsense))["errors"] == INVALID


async def test_after_log_out_the_session_is_over(world, token):
    second = await refreshed(world, token)

    assert (await world.ask(LOGOUT, token=second))["userLogout"] == {"loggedOut": True, "errors": []}

    assert (await refresh(world, second))["errors"] == INVALID
    assert (await refresh(world, token))["errors"] == INVALID
    assert await reasons(world) == ["logout"]


async def test_logging_out_twice_or_without_a_session_is_no_error(world, token):
    for each in (token, token, "nonsense"):
        assert (await world.ask(LOGOUT, token=each))["userLogout"]["loggedOut"]


async def test_only_hashes_of_tokens_are_kept(world, token):
    second = await refreshed(world, token)

    stored = str(await world.rows("SELECT encode(fingerprint, 'escape') AS f, t::text FROM refresh_tokens AS t"))

    for secret in (token, second):
        assert secret not in stored
        assert secret.removeprefix("srt_") not in stored


async def test_expired_sessions_are_forgotten_and_live_ones_kept(world, token):
    world.clock.advance(seconds=100 * DAY)
    await world.log_in("ada@example.com")
    world.clock.advance(seconds=81 * DAY)
    job = next(job for job in world.subgraph.jobs if job.name == "users.forget-sessions")

    assert await job.run() == 1
    assert await job.run() == 0
    assert len(await world.rows("SELECT 1 FROM session_families")) == 1
    assert len(await world.rows("SELECT 1 FROM refresh_tokens")) == 1
