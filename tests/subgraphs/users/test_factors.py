"""Second factors: authenticator apps, passkeys by a software authenticator, recovery codes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pyotp
import pytest

from kernel.identity import Client
from tests.subgraphs.users.authenticator import SoftwareAuthenticator

BEGIN = 'mutation { totpBegin(name: "Phone") { id secret uri errors { code } } }'
CONFIRM = """
mutation($id: ID!, $code: String!) { totpConfirm(id: $id, code: $code) { recoveryCodes errors { code path } } }"""
LOGIN = """
mutation($email: String!, $password: String!) {
  userLogin(email: $email, password: $password) {
    accessToken challenge { ticket methods passkeyOptions } errors { code }
  }
}"""
SECOND = """
mutation($ticket: String!, $proof: ProofInput!) {
  userLoginConfirm(ticket: $ticket, proof: $proof) { accessToken refreshToken errors { code path } }
}"""
PASSKEY = "mutation { passkeyBegin { ticket options errors { code } } }"
ADD = """
mutation($ticket: String!, $credential: String!) {
  passkeyAdd(ticket: $ticket, credential: $credential, name: "Key") {
    factor { id kind } recoveryCodes errors { code path }
  }
}"""
REMOVE = "mutation($id: ID!) { secondFactorRemove(id: $id) { done errors { code } } }"
INVALID = [{"code": "INVALID_TOKEN", "path": ["proof"]}]


@pytest.fixture
async def ada(world):
    return await world.log_in_as(await world.register("ada@example.com"))


async def with_totp(world, ada):
    begun = (await world.ask(BEGIN, ada))["totpBegin"]
    app = pyotp.TOTP(begun["secret"])
    code = app.at(world.clock.now())
    confirmed = (await world.ask(CONFIRM, ada, id=begun["id"], code=code))["totpConfirm"]
    assert confirmed["errors"] == []
    world.clock.advance(seconds=30)
    return app, confirmed["recoveryCodes"], begun


async def first_step(world):
    payload = (await world.ask(LOGIN, email="ada@example.com", password="correct horse battery"))["userLogin"]
    assert payload["accessToken"] is None
    return payload["challenge"]


async def second_step(world, ticket, **proof):
    return (await world.ask(SECOND, ticket=ticket, proof=proof))["userLoginConfirm"]


async def test_a_code_is_asked_for_after_the_password(world, ada):
    app, _, begun = await with_totp(world, ada)
    assert begun["uri"].startswith("otpauth://totp/Storegraph:ada%40example.com?")

    challenge = await first_step(world)
    assert challenge["methods"] == ["totp", "recovery"]
    assert (await second_step(world, challenge["ticket"], code="000000"))["errors"] == INVALID
    entered = await second_step(world, challenge["ticket"], code=app.at(world.clock.now()))

    assert entered["errors"] == []
    [device] = [each for each in await world.service.sessions.devices(ada.id) if each.id != ada.session]
    assert device.methods == {"pwd", "otp"}


async def test_a_code_works_once_even_at_once(world, ada):
    app, _, _ = await with_totp(world, ada)
    code = app.at(world.clock.now())
    tickets = [(await first_step(world))["ticket"] for _ in range(4)]

    told = await asyncio.gather(*(second_step(world, ticket, code=code) for ticket in tickets))

    assert sum(each["accessToken"] is not None for each in told) == 1
    assert (await second_step(world, (await first_step(world))["ticket"], code=code))["errors"] == INVALID


async def test_a_code_of_before_the_last_one_used_is_worth_nothing(world, ada):
    app, _, _ = await with_totp(world, ada)
    older = app.at(world.clock.now())
    world.clock.advance(seconds=30)
    ticket = (await first_step(world))["ticket"]
    assert (await second_step(world, ticket, code=app.at(world.clock.now())))["accessToken"]

    assert (await second_step(world, (await first_step(world))["ticket"], code=older))["errors"] == INVALID


async def test_a_ticket_works_once_and_not_for_long(world, ada):
    app, codes, _ = await with_totp(world, ada)
    ticket = (await first_step(world))["ticket"]
    assert (await second_step(world, ticket, code=app.at(world.clock.now())))["accessToken"]
    assert (await second_step(world, ticket, recoveryCode=codes[0]))["accessToken"] is None

    late = (await first_step(world))["ticket"]
    world.clock.advance(seconds=301)
    assert (await second_step(world, late, recoveryCode=codes[0]))["accessToken"] is None


async def test_guessing_codes_is_throttled_over_all_tickets(world, ada):
    await with_totp(world, ada)

    told = []
    for _ in range(6):
        ticket = (await first_step(world))["ticket"]
        told.append((await second_step(world, ticket, code="000000"))["errors"][0]["code"])

    assert told == ["INVALID_TOKEN"] * 5 + ["RATE_LIMITED"]


async def test_recovery_codes_open_once_each_and_are_kept_as_hashes(world, ada):
    _, codes, begun = await with_totp(world, ada)
    assert len(set(codes)) == 10

    ticket = (await first_step(world))["ticket"]
    assert (await second_step(world, ticket, recoveryCode=f" {codes[0].upper()} "))["accessToken"]
    ticket = (await first_step(world))["ticket"]
    assert (await second_step(world, ticket, recoveryCode=codes[0]))["errors"] == INVALID

    assert (await world.ask("{ me { recoveryCodesLeft } }", ada))["me"]["recoveryCodesLeft"] == 9
    stored = str(await world.rows("SELECT * FROM recovery_codes")) + str(await world.rows("SELECT * FROM factors"))
    assert codes[1] not in stored
    assert begun["secret"] not in stored


async def test_exactly_one_proof_is_taken(world, ada):
    _, codes, _ = await with_totp(world, ada)
    ticket = (await first_step(world))["ticket"]

    for proof in ({}, {"code": "1", "recoveryCode": codes[0]}):
        assert (await second_step(world, ticket, **proof))["errors"][0]["code"] == "INVALID_INPUT"


async def test_with_a_factor_a_password_is_no_fresh_proof_any_more(world, ada):
    app, _, begun = await with_totp(world, ada)
    confirm = "mutation($p: String!) { sessionConfirm(password: $p) { done errors { code } } }"
    assert (await world.ask(confirm, ada, p="correct horse battery"))["sessionConfirm"]["done"]

    refused = (await world.ask(REMOVE, ada, id=begun["id"]))["secondFactorRemove"]
    assert [error["code"] for error in refused["errors"]] == ["STEP_UP_REQUIRED"]

    asked = await world.ask("mutation { sessionConfirmBegin { challenge { ticket } errors { code } } }", ada)
    proven = "mutation($t: String!, $p: ProofInput!) { sessionConfirm(ticket: $t, proof: $p) { done errors { code } } }"
    ticket = asked["sessionConfirmBegin"]["challenge"]["ticket"]
    assert (await world.ask(proven, ada, t=ticket, p={"code": app.at(world.clock.now())}))["sessionConfirm"]["done"]
    assert (await world.ask(REMOVE, ada, id=begun["id"]))["secondFactorRemove"]["done"]
    assert (await world.log_in("ada@example.com"))["accessToken"]


async def test_a_passkey_is_added_and_opens_the_account(world, ada):
    key = SoftwareAuthenticator("http://localhost:4000")
    begun = (await world.ask(PASSKEY, ada))["passkeyBegin"]
    added = (await world.ask(ADD, ada, ticket=begun["ticket"], credential=key.create(begun["options"])))["passkeyAdd"]
    assert added["errors"] == []
    assert added["factor"]["kind"] == "WEBAUTHN"
    assert len(added["recoveryCodes"]) == 10

    challenge = await first_step(world)
    answer = key.get(challenge["passkeyOptions"])
    entered = await second_step(world, challenge["ticket"], authenticator=answer)
    assert entered["accessToken"]

    other = await first_step(world)
    assert (await second_step(world, other["ticket"], authenticator=answer))["errors"] == INVALID


@pytest.mark.parametrize("forgery", ["origin", "challenge", "user_presence", "signature", "counter", "key"])
async def test_a_forged_answer_of_an_authenticator_opens_nothing(world, ada, forgery):
    key = SoftwareAuthenticator("http://localhost:4000")
    begun = (await world.ask(PASSKEY, ada))["passkeyBegin"]
    await world.ask(ADD, ada, ticket=begun["ticket"], credential=key.create(begun["options"]))
    first = await first_step(world)
    assert (await second_step(world, first["ticket"], authenticator=key.get(first["passkeyOptions"])))["accessToken"]

    challenge = await first_step(world)
    forged = key.get(challenge["passkeyOptions"], forge=forgery)

    assert (await second_step(world, challenge["ticket"], authenticator=forged))["errors"] == INVALID


async def test_a_passkey_is_not_added_for_somebody_else_nor_twice(world, ada):
    eve = await world.log_in_as(await world.register("eve@example.com"))
    key = SoftwareAuthenticator("http://localhost:4000")
    begun = (await world.ask(PASSKEY, ada))["passkeyBegin"]
    made = key.create(begun["options"])

    stolen = (await world.ask(ADD, eve, ticket=begun["ticket"], credential=made))["passkeyAdd"]
    assert stolen["errors"][0]["code"] == "INVALID_TOKEN"
    begun = (await world.ask(PASSKEY, ada))["passkeyBegin"]
    made = key.create(begun["options"])
    assert (await world.ask(ADD, ada, ticket=begun["ticket"], credential=made))["passkeyAdd"]["errors"] == []
    again = (await world.ask(ADD, ada, ticket=begun["ticket"], credential=made))["passkeyAdd"]
    assert again["errors"][0]["code"] == "INVALID_TOKEN"
    assert "ada@example.com" in json.loads(begun["options"])["user"]["name"]


async def test_attempts_from_one_place_are_counted_over_all_accounts(world, ada):
    login, place = world.service.log_in, Client("203.0.113.7", "curl")
    told = [await refusal(login.by_password(f"user{n}@example.com", "wrong password", client=place)) for n in range(32)]

    assert told[:30] == ["INVALID_CREDENTIALS"] * 30
    assert told[30:] == ["RATE_LIMITED"] * 2
    elsewhere = replace(place, address="203.0.113.8")
    assert await refusal(login.by_password("user1@example.com", "wrong", client=elsewhere)) == "INVALID_CREDENTIALS"


async def refusal(work):
    with pytest.raises(Exception) as refused:  # noqa: PT011 - its code is what is looked at
        await work
    return refused.value.code
