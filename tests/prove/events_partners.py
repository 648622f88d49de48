"""Events that leave the shop: webhooks and mail of a running store, and every event of the design seen in it.

Beside the store run a partner, who checks signatures as the specification's libraries do, and a real SMTP server.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from rich.table import Table

from runtime.demo import journey as steps
from runtime.demo import operations
from runtime.demo.client import Client
from runtime.demo.journey import Journey
from runtime.ports import free_port
from tests.prove.checkout import HERE, Checkout, graphql, log_in, running, wait_until
from tests.prove.claims import Prover
from tests.prove.erasure import STOREGRAPH, Life
from tests.runtime.test_event_matrix import SEED

POISON = "tests/kernel/test_poison.py"
LIARS = "tests/subgraphs/notifications/test_liars.py"
WEBHOOKS = "tests/subgraphs/notifications/test_webhooks.py"
LETTERS = tuple(
    f"tests/subgraphs/notifications/test_{name}.py"
    for name in ("messages", "courier", "wishes", "providers", "desk", "inbox")
)
ORDER = "query($orderId: ID!) { order(id: $orderId) { number lines { name quantity } } }"
SUITES = {
    "a poison event ends its processes, becomes a dead letter, blocks nothing, and is replayed to one effect": (
        POISON,
    ),
    "dead letters carry reason, stack and a link, which replays them to one effect": (
        "tests/kernel/test_replay_links.py",
    ),
    "analytics: PostgreSQL and Elasticsearch answer the same, whatever comes twice, late or is lost": (
        "tests/subgraphs/recommendations/test_analytics.py",
        "tests/subgraphs/recommendations/test_facts_index.py",
    ),
    "receivers that are slow, trickle, answer 500, redirect inwards, flood, close early or rebind their name": (LIARS,),
    "webhooks: signature, query, schedule, replay, dry run, rotation, switching off": (WEBHOOKS,),
    "notifications: each event once and channel, wishes, quiet hours, caps, digests, SMTP, templates, log": LETTERS,
    "matrix: every event of the design has its producer and its consumers": ("tests/runtime/test_event_matrix.py",),
}


def prove_shop(prover: Prover) -> None:
    """Lead a buyer's life in a store, and look at what reached a partner, a mail server and the consumers."""
    folder = Path(tempfile.mkdtemp(prefix="storegraph-prove-"))
    folder.chmod(0o755)
    try:
        with _partner() as partner, _mail_server() as mail, _store(folder, mail) as url:
            life = _live(url, folder / "data", partner)
            _judge_partner(prover, partner, life)
            _judge_mail(prover, mail, life)
            _judge_events(prover, life)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _judge_partner(prover: Prover, partner: Partner, life: Life) -> None:
    told = [call for call in partner.of("/filled") if call["body"]["type"] == "OrderConfirmed"]
    mine = [call for call in told if call["body"]["data"]["order"]["number"] == life.journey.order["number"]]
    prover.equal("webhooks of the order, filled by the router in the partner's name", len(mine), 1)
    prover.check(
        "what the partner's query got", mine[0]["body"]["data"] if mine else None, "number and lines of the order",
        bool(mine) and len(mine[0]["body"]["data"]["order"]["lines"]) == len(life.journey.skus),
    )  # fmt: skip
    prover.check(
        "webhooks whose signature does not hold", partner.forged, "= 0", partner.forged == 0 and bool(partner.calls)
    )
    tried = [call["id"] for call in partner.of("/flaky")]
    prover.check(
        "deliveries that failed at first arrive later under the same id",
        f"{len(tried)} calls, {len(set(tried))} deliveries", "more calls than deliveries",
        len(tried) > len(set(tried)),
    )  # fmt: skip


def _judge_mail(prover: Prover, mail: MailServer, life: Life) -> None:
    wait_until(lambda: len(mail.to(life.journey.email)) >= 4, patience=60)
    subjects = [_subject(each) for each in mail.to(life.journey.email)]
    prover.check(
        "mail to the buyer through SMTP", len(subjects), ">= 4, none twice", len(subjects) == len(set(subjects))
    )
    ids = [re.search(rb"Message-ID: (\S+)", each) for each in mail.all()]
    prover.equal("mails that came twice", len(ids) - len({each[1] for each in ids if each}), 0)


def _judge_events(prover: Prover, life: Life) -> None:
    life.settle()
    table, missing = Table("event", "published", "consumed by"), []
    for name in SEED:
        recorded = _count(life, "outbox", name)
        done = _consumers(life, name)
        table.add_row(name, str(recorded), ", ".join(sorted(done)))
        if not recorded or not done:
            missing.append(name)
    prover.console.print(table)
    prover.equal(f"events of the design (of {len(SEED)}) that did not happen or that nobody consumed", missing, [])
    dead = sum(len(life._rows(f"SELECT 1 FROM {each}.inbox WHERE state = 'dead'")) for each in _SCHEMAS)
    prover.equal("dead letters", dead, 0)


_SCHEMAS = ("products", "inventory", "orders", "users", "payments", "shipping", "notifications", "recommendations")


def _count(life: Life, table: str, name: str) -> int:
    return sum(len(life._rows(f"SELECT 1 FROM {each}.{table} WHERE type = '{name}'")) for each in _SCHEMAS)


def _consumers(life: Life, name: str) -> set[str]:
    query = "SELECT DISTINCT consumer FROM {}.inbox WHERE type = '{}' AND state = 'done'"
    return {row["consumer"] for each in _SCHEMAS for row in life._rows(query.format(each, name))}


@dataclass
class Partner:
    """A partner: takes what is signed well, and fails each delivery to `/flaky` once."""

    port: int
    calls: list[dict[str, Any]] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    forged: int = 0

    def of(self, path: str) -> list[dict[str, Any]]:
        """Give what came to a path."""
        return [call for call in self.calls if call["path"] == path]

    def take(self, path: str, headers: Any, body: bytes) -> int:
        """Take a message; gives the status of the answer."""
        message_id, at = headers["webhook-id"], headers["webhook-timestamp"]
        key = base64.b64decode(self.secrets[path].removeprefix("whsec_"))
        expected = base64.b64encode(hmac.digest(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256)).decode()
        if f"v1,{expected}" not in headers["webhook-signature"].split():
            self.forged += 1
            return 401
        known = any(call["id"] == message_id for call in self.of(path))
        self.calls.append({"path": path, "id": message_id, "body": json.loads(body)})
        return 200 if known or path != "/flaky" else 503


@contextmanager
def _partner() -> Iterator[Partner]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(partner.take(self.path, self.headers, body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    partner = Partner(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield partner
    finally:
        server.shutdown()


@dataclass
class MailServer:
    """A real SMTP server, and what it took."""

    port: int
    taken: list[tuple[list[str], bytes]] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        """Take a mail."""
        self.taken.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"

    def to(self, address: str) -> list[bytes]:
        """Give the mail to an address."""
        return [content for recipients, content in self.taken if address in recipients]

    def all(self) -> list[bytes]:
        """Give all mail."""
        return [content for _, content in self.taken]


@contextmanager
def _mail_server() -> Iterator[MailServer]:
    server = MailServer(free_port())
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@contextmanager
def _store(folder: Path, mail: MailServer) -> Iterator[str]:
    port, log = free_port(), folder / "store.log"
    settings = {
        "STOREGRAPH_NOTIFICATIONS_SMTP_HOST": "127.0.0.1",
        "STOREGRAPH_NOTIFICATIONS_SMTP_PORT": str(mail.port),
        "STOREGRAPH_NOTIFICATIONS_SMTP_SECURITY": "none",
        "STOREGRAPH_NOTIFICATIONS_WEBHOOK_NETWORKS": '["127.0.0.0/8"]',
        "STOREGRAPH_SHIPPING_SANDBOX_TRANSIT_AFTER": "4",
        "STOREGRAPH_SHIPPING_SANDBOX_DELIVERED_AFTER": "0.2",
    }
    command = [
        "env", *(f"{name}={value}" for name, value in settings.items()),
        "sh", "-c", f'exec "$0" "$@" > {log} 2>&1',
        STOREGRAPH, "up", "--port", str(port), "--data-dir", str(folder / "data"),
    ]  # fmt: skip
    with running(Checkout(HERE), command, port) as store:
        yield store.url


def _live(url: str, data_dir: Path, partner: Partner) -> Life:
    """Register a partner, and have everything happen that the design has an event for."""
    staff, admin = log_in(url, "staff"), log_in(url, "admin")
    _register(url, partner, staff, "/filled", ["OrderConfirmed"], ORDER)
    _register(url, partner, staff, "/flaky", ["OrderPlaced"], None)
    _register(url, partner, staff, "/all", list(SEED), None)
    _keep_shop(url, admin)
    _decline(url)
    _cancel(url)
    journey = Journey(Client(url), patience=60)
    for _, step in steps.STEPS:
        step(journey)
    life = Life(url, data_dir, journey, traces=())
    life.ask('mutation { userUpdate(input: {name: "Ada B."}) { errors { message } } }')
    status = "query($id: ID!) { order(id: $id) { status } }"
    wait_until(lambda: life.ask(status, id=journey.order["id"])["order"]["status"] == "DELIVERED", patience=60)
    life.settle()
    wait_until(lambda: len({call["id"] for call in partner.of("/flaky")}) < len(partner.of("/flaky")), patience=60)
    wait_until(lambda: any("order" in (call["body"]["data"] or {}) for call in partner.of("/filled")), patience=60)
    return life


def _register(url: str, partner: Partner, token: str, path: str, types: list[str], query: str | None) -> None:
    create = """mutation($i: WebhookEndpointCreateInput!) {
        webhookEndpointCreate(input: $i) { secret errors { message } } }"""
    wanted = {"url": f"http://127.0.0.1:{partner.port}{path}", "eventTypes": types, "query": query}
    partner.secrets[path] = str(_asked(url, create, token, i=wanted)["secret"])


def _keep_shop(url: str, admin: str) -> None:
    """Put a product on sale, change it and its price, and sell it nearly out."""
    kind = _asked(
        url, 'mutation { productTypeCreate(input: {name: "Proof"}) { productType { id } errors { message } } }', admin
    )
    create = """mutation($i: ProductCreateInput!) { productCreate(input: $i) { product { id } errors { message } } }"""
    variant = {"sku": "PROOF-1", "prices": [{"amount": "10.00", "currency": "EUR"}]}
    wanted = {"name": "Proof", "productTypeId": kind["productType"]["id"], "variants": [variant]}
    product = _asked(url, create, admin, i=wanted)["product"]["id"]
    update = 'mutation($id: ID!) { productUpdate(id: $id, input: {name: "Proven"}) { errors { message } } }'
    _asked(url, update, admin, id=product)
    price = (
        'mutation { variantPriceSet(sku: "PROOF-1", price: {amount: "9.00", currency: EUR}) { errors { message } } }'
    )
    _asked(url, price, admin)
    house = graphql(url, "{ warehouses { nodes { id } } }", token=admin)["data"]["warehouses"]["nodes"][0]["id"]
    for number, change in enumerate((
        'stockReceive(input: {sku: "PROOF-1", warehouseId: $w, quantity: 10}, idempotencyKey: "proof-1")',
        'stockPolicySet(input: {sku: "PROOF-1", warehouseId: $w, reorderPoint: 5})',
        'stockAdjust(input: {sku: "PROOF-1", warehouseId: $w, delta: -6, reason: "proof"}, idempotencyKey: "proof-2")',
    )):  # fmt: skip
        _asked(url, f"mutation P{number}($w: ID!) {{ {change} {{ errors {{ message }} }} }}", admin, w=house)


def _decline(url: str) -> None:
    """Try to buy with a card that is declined."""
    journey = _at_checkout(url)
    purchase = {"expectedTotal": journey.checkout["total"]["gross"], "paymentToken": "tok_decline_insufficient_funds"}
    answer = graphql(
        url, operations.CHECKOUT_COMPLETE, {"id": journey.checkout["id"], "input": purchase, "key": "proof-declined"},
        journey.client.token,
    )  # fmt: skip
    if not answer["data"]["checkoutComplete"]["errors"]:
        raise RuntimeError("a declined card bought something")


def _cancel(url: str) -> None:
    """Buy, and cancel before anything has left."""
    journey = _at_checkout(url)
    steps.complete_checkout(journey)
    steps.order_is_paid(journey)
    cancel = "mutation($id: ID!) { orderCancel(id: $id) { errors { message } } }"
    _asked(url, cancel, str(journey.client.token), id=journey.order["id"])


def _at_checkout(url: str) -> Journey:
    journey = Journey(Client(url), patience=60)
    for name, step in steps.STEPS:
        step(journey)
        if name == "check out":
            break
    return journey


def _asked(url: str, document: str, token: str, **variables: Any) -> dict[str, Any]:
    """Run a mutation that must succeed; give its payload."""
    answer = graphql(url, document, variables, token)
    payload = next(iter((answer.get("data") or {}).values()), None)
    if answer.get("errors") or payload is None or payload["errors"]:
        raise RuntimeError(f"{document[:60]}: {answer}")
    return dict(payload)


def _subject(mail: bytes) -> str:
    found = re.search(rb"Subject: ([^\r\n]+)", mail)
    return found[1].decode() if found else ""
