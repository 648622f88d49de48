"""A person's whole life in a running store, the copy of their data, their end, and the search for what is left."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import redis

from kernel.database import plain_url
from runtime.demo.client import Client
from runtime.demo.journey import STEPS, Journey
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.postgres import postgres_url
from runtime.ports import free_port
from runtime.shop import SUBGRAPHS
from tests.prove.checkout import HERE, Checkout, graphql, running, wait_until

_TABLES = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY($1)"
_IDS = re.compile(r"\b([a-z]+)_[0-9a-f]{32}\b")
_OF_THE_SHOP = {"usr", "prod", "var", "cat", "coll", "ptype", "promo", "wh", "evt"}
"""Prefixes of what belongs to nobody, or to somebody who is named beside."""
STOREGRAPH = str(Path(sys.executable).with_name("storegraph"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where something of the person was found."""

    where: str
    what: str


@dataclass(slots=True)
class Life:
    """Somebody who bought something, and left a trace in every corner that a person can reach."""

    url: str
    data_dir: Path
    journey: Journey
    traces: tuple[str, ...]

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """Run a document as this person; it must succeed."""
        answer = graphql(self.url, document, variables, self.journey.client.token)
        if answer.get("errors"):
            raise RuntimeError(f"{document[:60]}: {answer['errors']}")
        for payload in answer["data"].values():
            if isinstance(payload, dict) and payload.get("errors"):
                raise RuntimeError(f"{document[:60]}: {payload['errors']}")
        return dict(answer["data"])

    def export(self) -> dict[str, Any]:
        """Ask for the copy of everything, and read it when it is there."""
        begun = self.ask("mutation { dataExportRequest { id errors { message } } }")["dataExportRequest"]["id"]
        wait_until(
            lambda: all(each["done"] for each in self.ask("{ me { dataExports { done } } }")["me"]["dataExports"])
        )
        return json.loads(self.ask("query($id: ID!) { dataExport(id: $id) }", id=begun)["dataExport"])

    def erase(self) -> Mapping[str, Any]:
        """Ask for the end, and wait until every subgraph has reported and acted on the last word; gives the report."""
        request = self.ask("mutation { userErase { id errors { message } } }")["userErase"]["id"]
        wait_until(
            lambda: self._rows(f"SELECT 1 FROM users.data_requests WHERE id = '{request}' AND state = 'done'") != []
        )
        self.settle()
        [row] = self._rows(f"SELECT report FROM users.data_requests WHERE id = '{request}'")
        return json.loads(row["report"])

    def settle(self) -> None:
        """Wait until everything that was begun has happened."""
        wait_until(self._settled)

    def things(self) -> dict[str, list[str]]:
        """Give the ids of everything that is this person's, by their prefix."""
        found = {"usr": {self._user_id}}
        for _ in range(2):  # what names the person, and what names that: an order's payment knows the order alone
            for each in _IDS.finditer(" ".join(self._rows_with(found))):
                if each[1] not in _OF_THE_SHOP:
                    found.setdefault(each[1], set()).add(each[0])
        sessions = self._rows(f"SELECT id::text FROM users.session_families WHERE user_id = '{self._user_id}'")
        found["session"] = {row["id"] for row in sessions}
        return {prefix: sorted(ids) for prefix, ids in found.items()}

    def rows(self, things: Mapping[str, Collection[str]]) -> list[str]:
        """Give all rows of all tables that are about one of these things."""
        return sorted(self._rows_with(things))

    def search(self, log: str) -> list[Place]:
        """Look for the person in every table, in Valkey, in every file beside PostgreSQL's own, and in the log."""
        found = asyncio.run(self._search_tables())
        found += self._search_valkey()
        servers = {self.data_dir / "postgres"}
        for path in self.data_dir.rglob("*"):
            if path.is_file() and not servers.intersection(path.parents):
                found += self._hits(f"file {path.relative_to(self.data_dir)}", path.read_bytes())
        return found + self._hits("the log of the store", log.encode())

    def _hits(self, where: str, content: bytes) -> list[Place]:
        return [Place(where, trace) for trace in self.traces if trace.encode().lower() in content.lower()]

    @property
    def _user_id(self) -> str:
        return str(self.ask("{ me { id } }")["me"]["id"])

    def _rows_with(self, things: Mapping[str, Collection[str]]) -> list[str]:
        """Give the rows of all tables in which one of these ids occurs."""
        words = [f"%{each}%" for ids in things.values() for each in ids]

        async def read() -> list[str]:
            connection = await asyncpg.connect(self._database)
            try:
                found: list[str] = []
                for schema, table in await connection.fetch(_TABLES, list(SUBGRAPHS)):
                    query = f'SELECT t::text AS row FROM "{schema}"."{table}" AS t WHERE t::text LIKE ANY($1)'
                    found += [f"{schema}.{table} {row['row']}" for row in await connection.fetch(query, words)]
                return found
            finally:
                await connection.close()

        return asyncio.run(read())

    async def _search_tables(self) -> list[Place]:
        connection = await asyncpg.connect(self._database)
        found: list[Place] = []
        try:
            for schema, table in await connection.fetch(_TABLES, list(SUBGRAPHS)):
                rows = await connection.fetch(f'SELECT t::text AS row FROM "{schema}"."{table}" AS t')
                content = "\n".join(row["row"] for row in rows)
                raw = b"\n".join(bytes.fromhex(each) for each in _hexadecimal(content))
                found += self._hits(f"{schema}.{table}", content.encode() + raw)
        finally:
            await connection.close()
        return found

    def _search_valkey(self) -> list[Place]:
        store = redis.Redis(unix_socket_path=str(DataDirectory(self.data_dir).socket_directory() / "valkey.sock"))
        found: list[Place] = []
        for key in store.scan_iter():
            found += self._hits(f"Valkey {key[:40]!r}", key + (store.dump(key) or b""))
        store.close()
        return found

    def _settled(self) -> bool:
        waiting = [f"SELECT 1 FROM {name}.inbox WHERE state = 'pending'" for name in SUBGRAPHS]
        waiting += [f"SELECT 1 FROM {name}.outbox WHERE published_at IS NULL" for name in SUBGRAPHS]
        waiting += ["SELECT 1 FROM notifications.forgotten_messages"]
        return self._rows(" UNION ALL ".join(waiting)) == []

    def _rows(self, query: str) -> list[asyncpg.Record]:
        async def read() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self._database)
            try:
                return await connection.fetch(query)
            finally:
                await connection.close()

        return asyncio.run(read())

    @property
    def _database(self) -> str:
        return plain_url(postgres_url(DataDirectory(self.data_dir)))


def _hexadecimal(content: str) -> Iterator[str]:
    for part in content.split("\\x")[1:]:
        digits = part.split('"')[0].split(",")[0].split(")")[0]
        if len(digits) % 2 == 0 and all(each in "0123456789abcdef" for each in digits):
            yield digits


@contextmanager
def store_with_fast_parcels(data_dir: Path, log: Path) -> Iterator[str]:
    """Run a store whose parcels arrive at once, and keep its log; gives its address."""
    port = free_port()
    command = [
        "env", "STOREGRAPH_SHIPPING_SANDBOX_TRANSIT_AFTER=0.2", "STOREGRAPH_SHIPPING_SANDBOX_DELIVERED_AFTER=0.2",
        "STOREGRAPH_LOG_LEVEL=DEBUG", "sh", "-c", 'exec "$0" "$@" > ' + str(log) + " 2>&1",
        STOREGRAPH, "up", "--port", str(port), "--data-dir", str(data_dir),
    ]  # fmt: skip
    with running(Checkout(HERE), command, port) as store:
        yield store.url


def live(url: str, data_dir: Path) -> Life:
    """Register, buy, and use whatever an account offers."""
    mark = "".join(secrets.choice("123456789") for _ in range(8))
    life = Life(url, data_dir, Journey(Client(url), patience=60, email=f"zaphira.{mark}@example.com"), traces=())
    for name, step in STEPS:
        step(life.journey)
        if name == "log in":
            _settle_in(life, mark)
    _await_delivery(life)
    _send_back(life)
    wrong = 'mutation($e: String!) { userLogin(email: $e, password: "wrong one") { errors { message } } }'
    graphql(url, wrong, {"e": life.journey.email})
    # What the journey itself says of its buyer, and what was said here.
    life.traces = (
        "Ada Buyer",
        "Invalidenstr. 117",
        life.journey.email,
        "Quillfeather",
        f"+49 30 {mark}",
        f"tok_{mark}",
    )
    return life


def newcomer(url: str, role: str, admin: str) -> str:
    """Open an account with a role that the administrator of this token gives; gives its access token."""
    email, password = f"{role}.{secrets.token_hex(4)}@example.com", secrets.token_urlsafe(12)
    register = "mutation($i: UserRegisterInput!) { userRegister(input: $i) { errors { message } } }"
    graphql(url, register, {"i": {"email": email, "password": password, "name": f"Some {role}"}})
    look = "query($e: String!) { users(first: 1, where: {search: $e}) { nodes { id } } }"
    [found] = graphql(url, look, {"e": email}, admin)["data"]["users"]["nodes"]
    give = "mutation($id: ID!, $r: [UserRole!]!) { userRolesSet(id: $id, roles: $r) { errors { message } } }"
    graphql(url, give, {"id": found["id"], "r": [role.upper()]}, admin)
    log_in = "mutation($e: String!, $p: String!) { userLogin(email: $e, password: $p) { accessToken } }"
    return str(graphql(url, log_in, {"e": email, "p": password})["data"]["userLogin"]["accessToken"])


def _settle_in(life: Life, mark: str) -> None:
    update = "mutation($i: UserUpdateInput!) { userUpdate(input: $i) { errors { message } } }"
    life.ask(update, i={"name": "Zaphira Quillfeather", "phone": f"+49 30 {mark}"})
    add = "mutation($i: UserAddressInput!) { userAddressCreate(input: $i) { errors { message } } }"
    place = {"name": "Z. Quillfeather", "line1": "Hidden Lane 1", "city": "Berlin", "postalCode": "10115"}
    life.ask(add, i={**place, "country": "DE"})
    pay = "mutation($i: PaymentMethodInput!) { paymentMethodAdd(input: $i) { errors { message } } }"
    life.ask(pay, i={"token": f"tok_{mark}", "label": "Visa 4242", "isDefault": True})
    life.ask('mutation { consentSet(purpose: ANALYTICS, granted: true, wording: "ok") { errors { message } } }')
    life.ask('mutation { totpBegin(name: "Phone") { id errors { message } } }')
    reset = "mutation($e: String!) { userPasswordResetRequest(email: $e) { errors { message } } }"
    life.ask(reset, e=life.journey.email)
    look = "mutation($id: ID!) { productViewed(id: $id) { product { id } errors { message } } }"
    [product] = life.ask("{ products(first: 1) { nodes { id } } }")["products"]["nodes"]
    life.ask(look, id=product["id"])


def _send_back(life: Life) -> None:
    lines = life.ask("query($id: ID!) { order(id: $id) { lines { id } } }", id=life.journey.order["id"])
    wish = """mutation($id: ID!, $line: ID!) { orderReturnRequest(
        orderId: $id, input: {lines: [{lineId: $line, quantity: 1}], reason: "Not for a Quillfeather"}
    ) { errors { message } } }"""
    life.ask(wish, id=life.journey.order["id"], line=lines["order"]["lines"][0]["id"])


def _await_delivery(life: Life) -> None:
    status = "query($id: ID!) { order(id: $id) { status } }"
    wait_until(lambda: life.ask(status, id=life.journey.order["id"])["order"]["status"] == "DELIVERED", patience=60)
