"""Devices, fresh proof, and what the shop's people do in others' accounts, with the log that they leave."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import jwt
import pytest

from kernel.identity import Client
from subgraphs.users.service.sessions import Grant

DEVICES = "{ me { sessions { id current agent address methods impersonated } } }"
REVOKE = "mutation($id: ID!) { sessionRevoke(id: $id) { done errors { code } } }"
REVOKE_ALL = "mutation($keep: Boolean!) { sessionsRevokeAll(keepCurrent: $keep) { done errors { code } } }"
REFRESH = (
    "mutation($token: String!) { tokenRefresh(refreshToken: $token) { accessToken refreshToken errors { code } } }"
)
IMPERSONATE = """
mutation($id: ID!, $reason: String!) {
  userImpersonate(id: $id, reason: $reason) { accessToken refreshToken expiresIn errors { code } }
}"""
ROLES = "mutation($id: ID!, $roles: [UserRole!]!) { userRolesSet(id: $id, roles: $roles) { errors { code } } }"
INVITE = """
mutation($email: String!) {
  staffInvite(email: $email, name: "Stella Stock", roles: [WAREHOUSE]) { user { id roles } errors { code } }
}"""
LOG = "query($id: ID) { accessLog(first: 20, subjectId: $id) { nodes { actorId action subjectId detail } } }"


def codes(data):
    [payload] = data.values()
    return [error["code"] for error in payload["errors"]]


async def enter(world, email, client=None):
    grant = await world.service.log_in.by_password(email, "correct horse battery", client=client or Client())
    assert isinstance(grant, Grant)
    return grant


async def test_devices_are_listed_and_ended_one_by_one(world):
    ada = await world.register("ada@example.com")
    laptop = await enter(world, "ada@example.com", Client("203.0.113.7", "Firefox"))
    phone = await enter(world, "ada@example.com", Client("203.0.113.9", "App"))
    session = jwt.decode(laptop.access_token, options={"verify_signature": False})["sid"]
    ada = replace(ada, session=session)

    devices = (await world.ask(DEVICES, ada))["me"]["sessions"]
    assert {(each["agent"], each["address"], each["current"]) for each in devices} == {
        ("Firefox", "203.0.113.7", True),
        ("App", "203.0.113.9", False),
    }
    [other] = [each["id"] for each in devices if not each["current"]]
    assert codes(await world.ask(REVOKE, ada, id=other)) == []
    assert codes(await world.ask(REVOKE, ada, id=other)) == ["NOT_FOUND"]

    assert codes(await world.ask(REFRESH, token=phone.refresh_token)) == ["INVALID_TOKEN"]
    assert codes(await world.ask(REFRESH, token=laptop.refresh_token)) == []


async def test_all_devices_are_ended_but_perhaps_this_one(world):
    ada = await world.log_in_as(await world.register("ada@example.com"))
    for _ in range(3):
        await world.log_in("ada@example.com")

    await world.ask(REVOKE_ALL, ada, keep=True)
    assert [device.id for device in await world.service.sessions.devices(ada.id)] == [ada.session]
    await world.ask(REVOKE_ALL, ada, keep=False)
    assert await world.service.sessions.devices(ada.id) == []


async def test_where_somebody_logs_in_from_is_sealed(world):
    await world.register("ada@example.com")
    await enter(world, "ada@example.com", Client("203.0.113.7", "Firefox"))

    stored = str(await world.rows("SELECT * FROM session_families"))

    assert "203.0.113.7" not in stored
    assert "Firefox" not in stored


async def test_two_hundred_refreshes_at_once_have_one_outcome_and_log_nobody_out(world):
    await world.register("ada@example.com")
    await world.register("bob@example.com")
    token = (await world.log_in("ada@example.com"))["refreshToken"]
    other = (await world.log_in("bob@example.com"))["refreshToken"]

    told = await asyncio.gather(*(world.ask(REFRESH, token=token) for _ in range(200)))

    successors = {each["tokenRefresh"]["refreshToken"] for each in told}
    assert len(successors) == 1
    assert [codes(each) for each in told] == [[]] * 200
    world.clock.advance(seconds=11)
    assert codes(await world.ask(REFRESH, token=successors.pop())) == []
    assert codes(await world.ask(REFRESH, token=other)) == []


async def test_the_support_acts_in_a_customers_name_for_a_while_and_leaves_a_trace(world):
    ada = await world.register("ada@example.com")
    support = await world.promote(await world.register(), "support")

    payload = (await world.ask(IMPERSONATE, support, id=ada.id, reason="ticket 7"))["userImpersonate"]
    claims = jwt.decode(payload["accessToken"], options={"verify_signature": False})

    assert (claims["sub"], claims["act"], payload["refreshToken"]) == (ada.id, {"sub": support.id}, None)
    assert claims["roles"] == ["customer"]
    acting = replace(ada, session=claims["sid"])
    erase = "mutation { userErase { id errors { code } } }"
    assert codes(await world.ask(erase, acting)) == ["STEP_UP_REQUIRED"]
    assert [each["impersonated"] for each in (await world.ask(DEVICES, ada))["me"]["sessions"]] == [True]
    admin = await world.administrator()
    log = (await world.ask(LOG, admin, id=ada.id))["accessLog"]["nodes"]
    assert log == [{"actorId": support.id, "action": "impersonate", "subjectId": ada.id, "detail": "ticket 7"}]


async def test_nobody_acts_in_the_name_of_a_colleague_or_without_a_reason(world):
    support = await world.promote(await world.register(), "support")
    colleague = await world.promote(await world.register(), "staff")
    ada = await world.register()

    assert codes(await world.ask(IMPERSONATE, support, id=colleague.id, reason="x")) == ["FORBIDDEN"]
    assert codes(await world.ask(IMPERSONATE, support, id=ada.id, reason=" ")) == ["INVALID_INPUT"]
    assert codes(await world.ask(IMPERSONATE, ada, id=colleague.id, reason="x")) == ["FORBIDDEN"]
    world.clock.advance(seconds=601)
    assert codes(await world.ask(IMPERSONATE, support, id=ada.id, reason="x")) == ["STEP_UP_REQUIRED"]


async def test_a_role_that_is_taken_ends_the_sessions_in_which_it_counted(world):
    admin = await world.administrator()
    clerk = await world.promote(await world.register("clerk@example.com"), "staff")
    token = (await world.log_in("clerk@example.com"))["refreshToken"]

    assert codes(await world.ask(ROLES, admin, id=clerk.id, roles=[])) == []

    assert codes(await world.ask(REFRESH, token=token)) == ["INVALID_TOKEN"]
    assert codes(await world.ask(ROLES, admin, id=admin.id, roles=[])) == ["CONFLICT"]


async def test_a_colleague_is_invited_and_sets_a_password_by_mail(world):
    admin = await world.administrator()

    invited = (await world.ask(INVITE, admin, email="stella@example.com"))["staffInvite"]
    assert invited["user"]["roles"] == ["CUSTOMER", "WAREHOUSE"]
    assert (await world.log_in("stella@example.com", ""))["errors"][0]["code"] == "INVALID_CREDENTIALS"
    reset = "mutation($s: String!, $p: String!) { userPasswordReset(secret: $s, password: $p) { errors { code } } }"
    secret = await world.secret("reset_password")

    assert codes(await world.ask(reset, s=secret, p="a password of stella")) == []
    assert (await world.log_in("stella@example.com", "a password of stella"))["errors"] == []


async def test_who_looked_at_whom_is_written_down_and_cannot_be_changed(world):
    ada = await world.register("ada@example.com")
    staff = await world.promote(await world.register(), "staff")

    await world.ask("query($id: ID!) { user(id: $id) { email } }", staff, id=ada.id)
    await world.ask("{ me { email } }", staff)

    log = await world.rows("SELECT actor_id, action, subject_id FROM access_log")
    assert log == [{"actor_id": staff.id, "action": "read", "subject_id": ada.id}]
    with pytest.raises(Exception, match="append-only"):
        await world.rows("UPDATE access_log SET action = 'nothing' RETURNING 1")
