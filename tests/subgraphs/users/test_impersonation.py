"""What somebody of the support does in a customer's name is known in every subgraph, and written down."""

from __future__ import annotations

from dataclasses import replace

import jwt

from kernel.identity import ANONYMOUS, Caller, InternalTokenSigner, InternalTokenVerifier
from router.policy.identity import Identity
from router.policy.internal_token import InternalTokenSigner as RoutersSigner
from router.policy.internal_token import impersonator_of

IMPERSONATE = """mutation($id: ID!) {
    userImpersonate(id: $id, reason: "ticket 7") { accessToken errors { code } }
}"""
LOG = "{ accessLog { nodes { actorId action subjectId detail } } }"
RENAME = 'mutation { userUpdate(input: {name: "Ada L."}) { user { name } errors { code } } }'
GUARDED = (
    'mutation { paymentMethodAdd(input: {token: "tok_1", label: "Visa"}) { errors { code } } }',
    'mutation { userEmailChangeRequest(email: "mine@example.com") { errors { code } } }',
    'mutation { userPasswordChange(password: "correct horse staple") { errors { code } } }',
    "mutation { recoveryCodesRenew { errors { code } } }",
    "mutation { dataExportRequest { errors { code } } }",
    "mutation { userErase { errors { code } } }",
)


async def in_the_name_of(world, ada: Caller) -> tuple[Caller, Caller, dict]:
    """Let the support act in Ada's name; gives the support, what subgraphs are told, and the token's claims."""
    support = await world.promote(await world.register(), "staff", "support")
    token = (await world.ask(IMPERSONATE, support, id=ada.id))["userImpersonate"]["accessToken"]
    claims = jwt.decode(token, options={"verify_signature": False})
    return support, replace(ada, session=claims["sid"], impersonator=claims["act"]["sub"]), claims


async def test_a_change_in_somebodys_name_is_written_down_by_whichever_subgraph_makes_it(world):
    ada = await world.register("ada@example.com")
    support, acting, _ = await in_the_name_of(world, ada)

    await world.ask("{ me { name } }", acting)
    assert (await world.ask(RENAME, acting))["userUpdate"]["user"]["name"] == "Ada L."
    await world.deliver()

    log = (await world.ask(LOG, await world.administrator()))["accessLog"]["nodes"]
    assert {"actorId": support.id, "action": "impersonated.users", "subjectId": ada.id, "detail": "userUpdate"} in log
    assert sum(each["action"].startswith("impersonated") for each in log) == 1


async def test_what_is_refused_in_somebodys_name_is_written_down_too(world):
    ada = await world.register("ada@example.com")
    _, acting, _ = await in_the_name_of(world, ada)

    for mutation in GUARDED:
        payload = next(iter((await world.ask(mutation, acting)).values()))
        assert [each["code"] for each in payload["errors"]] == ["STEP_UP_REQUIRED"], mutation
    await world.deliver()

    rows = await world.rows("SELECT detail FROM access_log WHERE action = 'impersonated.users' ORDER BY position")
    assert [row["detail"] for row in rows] == [
        "paymentMethodAdd",
        "userEmailChangeRequest",
        "userPasswordChange",
        "recoveryCodesRenew",
        "dataExportRequest",
        "userErase",
    ]


async def test_what_people_do_themselves_leaves_no_such_trace(world):
    ada = await world.log_in_as(await world.register("ada@example.com"))

    await world.ask(RENAME, ada)

    assert await world.rows("SELECT 1 FROM outbox WHERE type = 'ChangedInSomebodysName'") == []


async def test_every_subgraph_is_told_by_the_internal_token(world):
    ada = await world.register("ada@example.com")
    support, acting, claims = await in_the_name_of(world, ada)
    key = "k" * 32
    verifier = InternalTokenVerifier(key, audience="orders")

    asked = Identity(id=claims["sub"], kind="customer", roles=frozenset({"customer"}), claims=claims)
    header = dict(RoutersSigner(key, subgraphs=["orders"]).headers(asked)["orders"])["authorization"]
    by_router = verifier.verify_header(header)
    by_service = verifier.verify(InternalTokenSigner(key).sign(acting, "orders"))

    assert by_router.impersonator == by_service.impersonator == support.id
    assert by_router.author == f"{support.id} for {ada.id}"


def test_without_the_claim_everybody_acts_for_themselves():
    assert impersonator_of(Identity(id="usr_1", kind="customer", claims={"act": "usr_2"})) is None
    assert impersonator_of(Identity(id="usr_1", kind="customer")) is None
    assert ANONYMOUS.author == "guest"
