"""Log-in: passwords, lockout, and answers that tell nothing."""

from __future__ import annotations

import asyncio
import statistics
import time

import pytest
from redis.asyncio import Redis

from kernel.errors import InfrastructureError
from subgraphs.users.domain.errors import TooManyAttemptsError
from subgraphs.users.domain.lockout import LockoutPolicy
from subgraphs.users.service.passwords import PasswordHasher, hash_password
from subgraphs.users.storage.throttle import Throttle, ThrottleUnavailableError, connect

PASSWORD = "correct horse battery"


def codes(payload):
    return [error["code"] for error in payload["errors"]]


async def fail(world, email, times):
    return [await world.log_in(email, "wrong password") for _ in range(times)]


async def test_the_right_password_opens_a_session(world):
    await world.register("ada@example.com")

    payload = await world.log_in(" Ada@Example.com ")

    assert payload["errors"] == []
    assert payload["user"]["email"] == "ada@example.com"
    assert payload["expiresIn"] == 900
    assert payload["accessToken"].count(".") == 2
    assert payload["refreshToken"].startswith("srt_")


async def test_unknown_address_and_wrong_password_get_the_same_answer(world):
    await world.register("ada@example.com")

    wrong = await world.log_in("ada@example.com", "wrong password")
    unknown = await world.log_in("nobody@example.com", "wrong password")
    nonsense = await world.log_in("no address at all", "wrong password")

    assert wrong == unknown == nonsense
    assert codes(wrong) == ["INVALID_CREDENTIALS"]
    assert wrong["accessToken"] is None


async def test_unknown_address_and_wrong_password_cost_the_same_time():
    hasher = PasswordHasher(rounds=8, threads=1)
    known_hash = await hasher.hash("the password of somebody")
    await hasher.verify("warm up", None)

    async def spent(known):
        started = time.process_time()
        await hasher.verify("wrong password", known)
        return time.process_time() - started

    known, unknown = zip(*[(await spent(known_hash), await spent(None)) for _ in range(15)], strict=True)

    hasher.close()
    assert statistics.median(unknown) == pytest.approx(statistics.median(known), rel=0.25)


async def test_every_character_of_a_long_password_counts(world):
    long = "ä" * 72
    document = "mutation($input: UserRegisterInput!) { userRegister(input: $input) { errors { code } } }"
    await world.ask(document, input={"email": "ada@example.com", "password": long + "1", "name": "Ada"})

    assert codes(await world.log_in("ada@example.com", long + "2")) == ["INVALID_CREDENTIALS"]
    assert codes(await world.log_in("ada@example.com", long + "1")) == []


@pytest.mark.parametrize("password", ["", "\x00", "x" * 10_000])
async def test_a_strange_password_is_only_a_wrong_one(world, password):
    await world.register("ada@example.com")

    assert codes(await world.log_in("ada@example.com", password)) == ["INVALID_CREDENTIALS"]


async def test_a_hash_of_lower_cost_is_replaced_at_log_in(world):
    await world.register("ada@example.com")
    cheap = "SELECT password_hash FROM credentials"
    [before] = await world.rows(cheap)
    better = PasswordHasher(rounds=5, threads=1)

    assert await better.verify(PASSWORD, before["password_hash"]) != before["password_hash"]
    assert "r=5" in (await better.verify(PASSWORD, before["password_hash"]))
    same = PasswordHasher(rounds=4, threads=1)
    assert await same.verify(PASSWORD, before["password_hash"]) == before["password_hash"]


async def test_a_hash_that_nobody_can_read_opens_nothing():
    hasher = PasswordHasher(rounds=4, threads=1)

    assert await hasher.verify(PASSWORD, "plain text") is None
    assert await hasher.verify(PASSWORD, hash_password(PASSWORD, rounds=4)) is not None


async def test_hashing_leaves_the_event_loop_free():
    hasher = PasswordHasher(rounds=10, threads=1)
    work = asyncio.gather(*(hasher.hash(f"password {n}") for n in range(4)))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.001)
        turns += 1

    assert len(set(await work)) == 4
    assert turns > 25  # on the loop itself, no turn would be possible within a hash


async def test_nobody_waits_longer_than_the_patience_for_their_turn():
    hasher = PasswordHasher(rounds=8, threads=1, patience=0.2)
    results = await asyncio.gather(*(hasher.hash("password") for _ in range(100)), return_exceptions=True)

    refused = [result for result in results if isinstance(result, TooManyAttemptsError)]
    assert 0 < len(refused) < 100
    assert all(error.retry_after >= 1 for error in refused)
    assert await hasher.hash("password")


async def test_failures_lock_an_address_for_longer_each_time(world):
    await world.register("ada@example.com")
    await fail(world, "ada@example.com", 5)

    waits = []
    for _ in range(4):
        locked = await world.log_in("ada@example.com")
        assert codes(locked) == ["RATE_LIMITED"]
        assert locked["errors"][0]["__typename"] == "RateLimitedError"
        waits.append(locked["errors"][0]["retryAfter"])
        world.clock.advance(seconds=waits[-1])
        assert codes(await world.log_in("ada@example.com", "wrong password")) == ["INVALID_CREDENTIALS"]

    assert waits == [1, 2, 4, 8]


async def test_the_longest_lock_is_bounded(world):
    await world.register("ada@example.com")
    for _ in range(20):
        await fail(world, "ada@example.com", 1)
        world.clock.advance(seconds=900)
    await fail(world, "ada@example.com", 1)

    assert (await world.log_in("ada@example.com"))["errors"][0]["retryAfter"] == 900


async def test_the_right_password_forgives_and_a_lock_ends_by_itself(world):
    await world.register("ada@example.com")
    await fail(world, "ada@example.com", 4)
    assert codes(await world.log_in("ada@example.com")) == []
    await fail(world, "ada@example.com", 5)
    assert codes(await world.log_in("ada@example.com")) == ["RATE_LIMITED"]

    world.clock.advance(seconds=1)

    assert codes(await world.log_in("ada@example.com")) == []


async def test_an_address_without_account_is_locked_alike(world):
    unknown = await fail(world, "nobody@example.com", 6)
    await world.register("ada@example.com")
    known = await fail(world, "ada@example.com", 6)

    assert unknown == known
    assert [codes(each) for each in known] == [["INVALID_CREDENTIALS"]] * 5 + [["RATE_LIMITED"]]


async def test_a_burst_of_guesses_is_counted_before_any_is_looked_at(world):
    await world.register("ada@example.com")

    payloads = await asyncio.gather(*(world.log_in("ada@example.com", f"guess {n}") for n in range(30)))

    assert sum(codes(each) == ["INVALID_CREDENTIALS"] for each in payloads) == 5
    assert sum(codes(each) == ["RATE_LIMITED"] for each in payloads) == 25


async def test_one_address_does_not_lock_another(world):
    await world.register("ada@example.com")
    await fail(world, "eve@example.com", 6)

    assert codes(await world.log_in("ada@example.com")) == []


async def test_redis_keeps_no_address_in_the_clear_and_forgets(valkey, clock):
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()
        throttle = Throttle(redis, LockoutPolicy(free_attempts=1), "login")
        await throttle.admit("ada@example.com", clock.now())

        [key] = await redis.keys("*")
        assert b"ada" not in key
        assert 0 < await redis.ttl(key) <= 24 * 3600
        with pytest.raises(TooManyAttemptsError):
            await throttle.admit("ada@example.com", clock.now())


async def test_a_restart_of_redis_is_not_felt(valkey, clock):
    async with connect(valkey.url) as redis, Redis.from_url(valkey.url) as other:
        throttle = Throttle(redis, LockoutPolicy(), "login")
        await throttle.admit("ida@example.com", clock.now())
        await other.client_kill_filter(_type="normal", skipme=True)
        await throttle.admit("ida@example.com", clock.now())


async def test_without_redis_no_guess_goes_uncounted(clock):
    async with connect("redis://127.0.0.1:1") as redis:
        throttle = Throttle(redis, LockoutPolicy(), "login")
        with pytest.raises(ThrottleUnavailableError) as refusal:
            await throttle.admit("ada@example.com", clock.now())

    assert isinstance(refusal.value, InfrastructureError)
    assert refusal.value.retryable
