"""What goes through the mailbox: proof of an address, new passwords, new addresses."""

from __future__ import annotations

import pytest

from kernel.identity import ANONYMOUS

VERIFY = "mutation($secret: String!) { userEmailVerify(secret: $secret) { done errors { code } } }"
ASK_RESET = "mutation($email: String!) { userPasswordResetRequest(email: $email) { done errors { code } } }"
RESET = """
mutation($secret: String!, $password: String!) {
  userPasswordReset(secret: $secret, password: $password) { done errors { code path } }
}"""
CHANGE_PASSWORD = """
mutation($new: String!, $current: String) {
  userPasswordChange(password: $new, currentPassword: $current) { done errors { code } }
}"""
ASK_EMAIL = "mutation($email: String!) { userEmailChangeRequest(email: $email) { done errors { code } } }"
CHANGE_EMAIL = "mutation($secret: String!) { userEmailChange(secret: $secret) { done errors { code } } }"
REFRESH = "mutation($token: String!) { tokenRefresh(refreshToken: $token) { errors { code } } }"
DONE = {"done": True, "errors": []}
NEW = "an altogether new password"


def codes(data):
    [payload] = data.values()
    return [error["code"] for error in payload["errors"]]


async def test_a_new_address_is_proven_by_the_secret_in_its_mail(world):
    ada = await world.register("ada@example.com")
    assert (await world.ask("{ me { emailVerified } }", ada))["me"]["emailVerified"] is False
    secret = await world.secret("verify_email")

    assert (await world.ask(VERIFY, secret=secret))["userEmailVerify"] == DONE

    assert (await world.ask("{ me { emailVerified } }", ada))["me"]["emailVerified"] is True
    assert codes(await world.ask(VERIFY, secret=secret)) == ["INVALID_TOKEN"]
    [verified] = await world.rows("SELECT event -> 'data' AS data FROM outbox WHERE type = 'UserEmailVerified'")
    assert verified["data"] == {"user_id": ada.id, "email": "ada@example.com"}


async def test_a_secret_in_a_mail_is_kept_nowhere_in_the_clear(world):
    await world.register("ada@example.com")
    secret = await world.secret("verify_email")

    stored = str(await world.rows("SELECT event::text FROM outbox")) + str(
        await world.rows("SELECT fingerprint::text, payload::text FROM one_time_secrets")
    )

    assert secret not in stored


async def test_a_secret_is_good_for_one_purpose_and_not_for_long(world):
    await world.register("ada@example.com")
    secret = await world.secret("verify_email")

    assert codes(await world.ask(RESET, secret=secret, password=NEW)) == ["INVALID_TOKEN"]
    world.clock.advance(seconds=3 * 24 * 3600 + 1)
    assert codes(await world.ask(VERIFY, secret=secret)) == ["INVALID_TOKEN"]
    assert codes(await world.ask(VERIFY, secret="nonsense")) == ["INVALID_TOKEN"]


async def test_a_forgotten_password_is_replaced_and_ends_all_sessions(world):
    await world.register("ada@example.com")
    session = await world.log_in("ada@example.com")
    assert (await world.ask(ASK_RESET, email="Ada@example.com "))["userPasswordResetRequest"] == DONE
    await world.deliver()
    secret = await world.secret("reset_password")

    weak = await world.ask(RESET, secret=secret, password="password123")
    assert codes(weak) == ["WEAK_PASSWORD"]
    assert (await world.ask(RESET, secret=secret, password=NEW))["userPasswordReset"] == DONE

    assert codes(await world.ask(RESET, secret=secret, password=NEW)) == ["INVALID_TOKEN"]
    assert (await world.log_in("ada@example.com"))["errors"][0]["code"] == "INVALID_CREDENTIALS"
    assert (await world.log_in("ada@example.com", NEW))["errors"] == []
    assert codes(await world.ask(REFRESH, token=session["refreshToken"])) == ["INVALID_TOKEN"]
    assert [topic for topic, _, _ in await world.mails()][-1] == "password_changed"


async def test_a_second_request_takes_the_first_secret_back(world):
    await world.register("ada@example.com")
    for _ in range(2):
        await world.ask(ASK_RESET, email="ada@example.com")
        await world.deliver()
    first, second = [secret for topic, _, secret in await world.mails() if topic == "reset_password"]

    assert codes(await world.ask(RESET, secret=first, password=NEW)) == ["INVALID_TOKEN"]
    assert codes(await world.ask(RESET, secret=second, password=NEW)) == []


async def test_a_request_for_a_password_tells_nothing_of_who_has_an_account(world):
    await world.register("ada@example.com")
    known = await world.ask(ASK_RESET, email="ada@example.com")
    unknown = await world.ask(ASK_RESET, email="nobody@example.com")
    await world.deliver()

    assert known == unknown
    assert [address for topic, address, _ in await world.mails() if topic == "reset_password"] == ["ada@example.com"]
    stored = str(await world.rows("SELECT event::text FROM outbox WHERE type = 'PasswordResetRequested'"))
    assert "nobody@" not in stored
    assert "ada@" not in stored


async def test_a_request_for_a_password_costs_the_same_work_for_everybody(world):
    await world.register("known@example.com")

    known = await world.statements(ASK_RESET, ANONYMOUS, email="known@example.com")
    unknown = await world.statements(ASK_RESET, ANONYMOUS, email="unknown@example.com")

    assert known == unknown


async def test_mail_can_not_be_asked_for_without_end(world):
    told = [codes(await world.ask(ASK_RESET, email="ada@example.com")) for _ in range(4)]

    assert told == [[], [], [], ["RATE_LIMITED"]]


async def test_registration_is_discreet_where_the_shop_wants_it(world):
    service = world.service
    fields = {"password": NEW, "name": "Ada", "language": "en", "discreet": True}

    first = await service.accounts.register(email="ada@example.com", **fields)
    second = await service.accounts.register(email="ada@example.com", **fields)

    assert first is second is None
    assert [topic for topic, _, _ in await world.mails()] == ["verify_email", "already_registered"]


async def test_a_password_is_changed_by_who_knows_it_and_ends_other_sessions(world):
    ada = await world.log_in_as(await world.register("ada@example.com"))
    other = await world.log_in("ada@example.com")

    assert codes(await world.ask(CHANGE_PASSWORD, ada, new=NEW, current="wrong password")) == ["INVALID_CREDENTIALS"]
    assert codes(await world.ask(CHANGE_PASSWORD, ada, new="12345678", current="x")) == ["WEAK_PASSWORD"]
    assert codes(await world.ask(CHANGE_PASSWORD, ada, new=NEW)) == ["INVALID_CREDENTIALS"]
    assert codes(await world.ask(CHANGE_PASSWORD, ada, new=NEW, current="correct horse battery")) == []

    assert codes(await world.ask(REFRESH, token=other["refreshToken"])) == ["INVALID_TOKEN"]
    assert [device.id for device in await world.service.sessions.devices(ada.id)] == [ada.session]


async def test_an_address_changes_when_its_mail_is_answered(world):
    ada = await world.log_in_as(await world.register("ada@example.com"))

    assert codes(await world.ask(ASK_EMAIL, ada, email="Countess@Example.com")) == []
    assert (await world.ask("{ me { email } }", ada))["me"]["email"] == "ada@example.com"
    assert codes(await world.ask(CHANGE_EMAIL, secret=await world.secret("change_email"))) == []

    assert (await world.ask("{ me { email emailVerified } }", ada))["me"] == {
        "email": "countess@example.com",
        "emailVerified": True,
    }
    mails = [(topic, address) for topic, address, _ in await world.mails()]
    assert ("change_email", "countess@example.com") in mails
    assert mails[-1] == ("email_changed", "ada@example.com")
    assert (await world.log_in("countess@example.com"))["errors"] == []
    assert (await world.log_in("ada@example.com"))["errors"][0]["code"] == "INVALID_CREDENTIALS"


async def test_an_address_that_is_taken_is_not_told(world):
    await world.register("eve@example.com")
    ada = await world.log_in_as(await world.register("ada@example.com"))

    assert codes(await world.ask(ASK_EMAIL, ada, email="eve@example.com")) == []
    assert "change_email" not in [topic for topic, _, _ in await world.mails()]


async def test_what_matters_wants_fresh_proof(world):
    ada = await world.log_in_as(await world.register("ada@example.com"))
    world.clock.advance(seconds=601)

    assert codes(await world.ask(ASK_EMAIL, ada, email="new@example.com")) == ["STEP_UP_REQUIRED"]
    confirm = "mutation($p: String!) { sessionConfirm(password: $p) { done errors { code } } }"
    assert codes(await world.ask(confirm, ada, p="wrong password")) == ["INVALID_CREDENTIALS"]
    assert codes(await world.ask(confirm, ada, p="correct horse battery")) == []
    assert codes(await world.ask(ASK_EMAIL, ada, email="new@example.com")) == []


@pytest.mark.parametrize("password", ["password123", "PASSWORD1", "qwertyuiop", "ada@example.com", "short"])
async def test_a_password_that_everybody_would_guess_is_refused(world, password):
    register = """mutation($p: String!) {
      userRegister(input: {email: "ada@example.com", password: $p, name: "Ada"}) { errors { code } }
    }"""

    assert codes(await world.ask(register, p=password)) == ["WEAK_PASSWORD"]
    assert codes(await world.ask(register, p="lower case only is fine")) == []
