"""Nobody reaches what is somebody else's: every root field of the API, tried by six kinds of actor through the router.

The rules stand in `access_rules.py`. The victim is somebody who has bought something and left a trace in every corner;
each actor tries every field with the ids of the victim's things. Nothing of the victim may be told, and of all rows in
all tables that are about them none may have changed.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import build_schema, parse, validate

from runtime.demo.client import Client
from runtime.demo.journey import Journey, fill_cart, start_checkout
from tests.e2e.access_rules import ACTORS, OF_ONESELF_ALONE, RULES, Rule
from tests.generated_operations import Operations, codes
from tests.prove.checkout import HERE, graphql, log_in
from tests.prove.erasure import Life, live, newcomer, store_with_fast_parcels

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("one-command")]

API = Operations(build_schema((HERE / "schema" / "api.graphql").read_text(encoding="utf-8")))
KINDS = {name: kind for kind, name, _ in API.roots()}
HIDDEN = {"NOT_FOUND", "FORBIDDEN", "UNAUTHENTICATED", "INVALID_SECRET"}
AT_ONCE = 6
THE_SHOPS = {
    *("roles", "scopes", "kind", "userId", "customerId", "ownerId", "emailVerified", "passwordHash"),
    *("status", "price", "unitPrice", "discount", "tax", "number", "version", "createdAt", "updatedAt"),
}
"""Names of what no customer says: who they are, what things cost, and in which state they are (mass assignment)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of a root field with the id of one of the victim's things."""

    field: str
    some_id: str

    @property
    def rule(self) -> Rule:
        return RULES[self.field]

    async def answer(self, client: httpx.AsyncClient, url: str) -> dict[str, Any]:
        query = API.document(self.field, self.some_id)
        streamed = KINDS[self.field] == "subscription"
        accept = "text/event-stream" if streamed else "application/json"
        answer = await client.post(url, json={"query": query}, headers={"accept": accept})
        if not streamed:
            return answer.json()
        told = [line.removeprefix("data:") for line in answer.text.splitlines() if line.startswith("data:")]
        return json.loads(next((each for each in told if each.strip()), "{}"))


def attempts(actor: str, things: dict[str, list[str]]) -> Iterator[Attempt]:
    """Give what an actor tries; what is their work in others' affairs is left out."""
    for name, rule in RULES.items():
        watches = KINDS[name] == "subscription" and not rule.thing  # would wait for what does not happen
        if name in OF_ONESELF_ALONE or actor in rule.office or watches:
            continue
        ids = things[rule.thing or "usr"] if API.takes_ids(name) else things["usr"]
        yield from (Attempt(name, each) for each in ids)


def problem(actor: str, attempt: Attempt, answer: dict[str, Any], traces: tuple[str, ...]) -> str | None:
    """Say what is wrong with an answer, if anything."""
    told, data = codes(answer), (answer.get("data") or {}).get(attempt.field)
    if leaked := [trace for trace in traces if trace in json.dumps(answer, ensure_ascii=False)]:
        return f"tells {leaked}"
    if actor not in attempt.rule.admitted:
        expected = "UNAUTHENTICATED" if actor == "guest" else "FORBIDDEN"
        return None if expected in told else f"is not refused with {expected}: {answer}"
    if attempt.rule.thing and data is not None and not told & HIDDEN:
        return f"finds it: {answer}"
    if attempt.rule.thing and told and not told & HIDDEN:
        return f"fails for another reason: {answer}"
    return None


@dataclass(frozen=True, slots=True)
class Victim:
    """Somebody in a running store with one of everything, and the ids of that by their prefixes."""

    life: Life
    things: dict[str, list[str]]

    @property
    def url(self) -> str:
        return self.life.url

    def rows(self) -> list[str]:
        self.life.settle()
        return self.life.rows(self.things)


@pytest.fixture(scope="module")
def victim(server_folder: Path) -> Iterator[Victim]:
    """The one victim of all attempts."""
    with store_with_fast_parcels(server_folder / "data", server_folder / "store.log") as url:
        life = live(url, server_folder / "data")
        life.ask("mutation { dataExportRequest { id errors { message } } }")
        life.settle()
        yield Victim(life, life.things())


@pytest.fixture(scope="module")
def tokens(victim: Victim) -> dict[str, str | None]:
    """The access token of each actor."""
    admin = log_in(victim.url, "admin")
    found: dict[str, str | None] = {"guest": None, "admin": admin}
    for actor, known in (("customer", "customer"), ("staff", "staff")):
        found[actor] = log_in(victim.url, known)
    for actor in ("vendor", "support"):
        found[actor] = newcomer(victim.url, actor, admin)
    return found


def test_every_root_field_has_its_rule_and_every_rule_its_field() -> None:
    assert set(RULES) == set(KINDS), "add a line to tests/e2e/access_rules.py"


@pytest.mark.parametrize("name", KINDS)
def test_every_generated_document_is_valid(name: str) -> None:
    assert validate(API.schema, parse(API.document(name, "usr_nobody"))) == []


@pytest.mark.parametrize(
    "name", [name for name, kind in KINDS.items() if kind == "mutation" and "customer" in RULES[name].admitted]
)
def test_no_input_takes_what_only_the_shop_decides(name: str) -> None:
    assert THE_SHOPS.isdisjoint(API.inputs(name))


def test_what_is_owned_is_there_to_be_tried(victim: Victim) -> None:
    wanted = {rule.thing for rule in RULES.values() if rule.thing}
    assert wanted <= set(victim.things), "let tests/prove/erasure.py make one of these"


def test_its_owner_is_shown_what_strangers_must_not_see(victim: Victim) -> None:
    queries = {name: rule.thing for name, rule in RULES.items() if rule.thing and KINDS[name] == "query"}
    told = ""
    for name, thing in queries.items():
        for some_id in victim.things[thing]:
            told += json.dumps(graphql(victim.url, API.document(name, some_id), token=victim.life.journey.client.token))

    assert [trace for trace in victim.life.traces if trace not in told] == []


@pytest.mark.parametrize("actor", ACTORS)
def test_nobody_reaches_the_things_of_somebody_else(victim: Victim, tokens: dict[str, str | None], actor: str) -> None:
    before, headers = victim.rows(), {"authorization": f"Bearer {tokens[actor]}"} if tokens[actor] else {}
    tried = list(attempts(actor, victim.things))

    async def answers() -> list[dict[str, Any]]:
        turn = asyncio.Semaphore(AT_ONCE)
        async with httpx.AsyncClient(headers=headers, timeout=60) as client:

            async def once(attempt: Attempt) -> dict[str, Any]:
                async with turn:
                    return await attempt.answer(client, victim.url)

            return await asyncio.gather(*map(once, tried))

    answered = asyncio.run(answers())

    found = [
        f"{attempt.field}({attempt.some_id}) {wrong}"
        for attempt, answer in zip(tried, answered, strict=True)
        if (wrong := problem(actor, attempt, answer, victim.life.traces))
    ]
    assert not found, "\n".join(found)
    assert victim.rows() == before


def bought_with(buyer: Journey, token: str) -> dict[str, Any]:
    """Fill a new cart and pay it; gives the payload."""
    client = buyer.client
    fill_cart(buyer)
    start_checkout(buyer)
    total = buyer.checkout["total"]["gross"]
    paid = {"expectedTotal": {name: total[name] for name in ("amount", "currency")}, "paymentToken": token}
    complete = """mutation($id: ID!, $input: CheckoutCompleteInput!, $key: String!) {
        checkoutComplete(id: $id, input: $input, idempotencyKey: $key) { order { status } errors { code message } }
    }"""
    variables = {"id": buyer.checkout["id"], "input": paid, "key": secrets.token_hex(8)}
    answer = graphql(client.url, complete, variables, client.token)
    return dict(answer["data"]["checkoutComplete"])


def test_a_stored_payment_method_pays_for_its_owner_alone(victim: Victim, tokens: dict[str, str | None]) -> None:
    add = """mutation { paymentMethodAdd(input: {token: "tok_approve", label: "Visa"}) {
        paymentMethod { id } errors { code } } }"""
    method = victim.life.ask(add)["paymentMethodAdd"]["paymentMethod"]["id"]
    stranger = Journey(Client(victim.url), patience=30, skus=victim.life.journey.skus)
    stranger.client.token = tokens["customer"]

    assert bought_with(victim.life.journey, method)["order"] == {"status": "CONFIRMED"}
    refused = bought_with(stranger, method)

    assert (refused["order"], refused["errors"][0]["code"]) == (None, "PAYMENT_DECLINED")


def test_the_support_leaves_traces_of_what_it_does_in_a_customers_name(
    victim: Victim, tokens: dict[str, str | None]
) -> None:
    [person] = victim.things["usr"]
    act = 'mutation($id: ID!) { userImpersonate(id: $id, reason: "ticket 7") { accessToken } }'
    token = graphql(victim.url, act, {"id": person}, tokens["support"])["data"]["userImpersonate"]["accessToken"]
    acting = Journey(Client(victim.url), patience=30, skus=victim.life.journey.skus)
    acting.client.token = token

    assert bought_with(acting, "tok_approve")["errors"][0]["code"] == "FORBIDDEN"
    victim.life.settle()

    look = "query($id: ID!) { accessLog(subjectId: $id, first: 50) { nodes { action detail } } }"
    log = graphql(victim.url, look, {"id": person}, tokens["admin"])["data"]["accessLog"]["nodes"]
    assert {"action": "impersonated.orders", "detail": "checkoutComplete"} in log
    assert {"action": "impersonated.orders", "detail": "cartCreate"} in log
