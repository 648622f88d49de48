"""What an attacker tries first, against a store as it runs: each is refused, and who is logged out is out at once."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kernel.events.dead_letters import DeadLetter
from kernel.events.replay_links import ReplayLinks
from kernel.identity import Caller, InternalTokenSigner
from kernel.settings import Settings
from runtime.embedded.data_directory import DataDirectory
from runtime.ports import free_port
from subgraphs.users.app import signing_keys
from subgraphs.users.settings import UsersSettings
from tests.prove.checkout import HERE, Checkout, graphql, running, wait_until

STOREGRAPH = str(Path(sys.executable).with_name("storegraph"))
PASSWORD = "a long enough passphrase"
ME = "{ me { id } }"
pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("one-command")]


@dataclass(frozen=True, slots=True)
class Store:
    """A running store, and what only its operator has."""

    url: str
    data_dir: Path

    def register(self) -> str:
        """Register somebody; gives the address."""
        email = f"{secrets.token_hex(6)}@example.com"
        mutation = "mutation($in: UserRegisterInput!) { userRegister(input: $in) { errors { message } } }"
        person = {"email": email, "password": PASSWORD, "name": "Ada"}
        answer = graphql(self.url, mutation, {"in": person})["data"]["userRegister"]
        assert not answer["errors"]
        return email

    def log_in(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        """Log in; gives the payload."""
        mutation = """mutation($email: String!, $password: String!) { userLogin(email: $email, password: $password) {
            accessToken refreshToken user { id } errors { code } } }"""
        payload: dict[str, Any] = graphql(self.url, mutation, {"email": email, "password": password})["data"][
            "userLogin"
        ]
        return payload

    def knows(self, token: str) -> bool:
        """Whether a token is believed."""
        answer = graphql(self.url, ME, token=token)
        refused = (answer.get("errors") or [{}])[0].get("extensions", {}).get("code") == "AUTH_ERROR"
        assert refused or answer["data"]["me"]
        return not refused

    def operator(self, *words: str, told: str = "") -> str:
        """Run a command as the operator does."""
        command = [STOREGRAPH, "tokens", *words, "--data-dir", str(self.data_dir)]
        done = subprocess.run(command, input=told, capture_output=True, text=True, check=True)
        return done.stdout


@pytest.fixture(scope="module")
def store(server_folder: Path) -> Iterator[Store]:
    port, data_dir = free_port(), server_folder / "data"
    command = [STOREGRAPH, "up", "--empty", "--port", str(port), "--data-dir", str(data_dir)]
    with running(Checkout(HERE), command, port) as up:
        yield Store(up.url, data_dir)


@dataclass(frozen=True, slots=True)
class Forge:
    """Makes tokens with the store's own key, and with others."""

    store: Store
    key: Any
    kid: str

    def token(self, *, key: Any = None, algorithm: str = "EdDSA", kid: str | None = None, **claims: Any) -> str:
        said = {"iss": "storegraph", "aud": "storegraph", "sub": "usr_1", "jti": "1", "exp": time.time() + 60, **claims}
        return jwt.encode(said, key or self.key, algorithm=algorithm, headers={"kid": kid or self.kid, "typ": "at+jwt"})

    def by_hand(self, algorithm: str, signature: Callable[[bytes], bytes]) -> str:
        claims = {"iss": "storegraph", "aud": "storegraph", "sub": "usr_1", "exp": time.time() + 60}
        text = ".".join(map(_part, ({"alg": algorithm, "kid": self.kid}, claims)))
        return f"{text}.{_text(signature(text.encode()))}"

    def confused(self) -> str:
        """Signed with the public key, as if that was a secret."""
        secret = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return self.by_hand("HS256", lambda text: hmac.digest(secret, text, "sha256"))

    def internal(self) -> str:
        signer = InternalTokenSigner(DataDirectory(self.store.data_dir).secrets().internal_key)
        return signer.sign(Caller.service("orders"), "users")


def _part(value: Any) -> str:
    return _text(json.dumps(value).encode())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def forge(store: Store) -> Forge:
    key = signing_keys(Settings(data_dir=store.data_dir), UsersSettings()).signing(datetime.now(UTC))
    return Forge(store, key.private, key.kid)


FORGED: dict[str, Callable[[Forge], str]] = {
    "alg none": lambda forge: forge.by_hand("none", lambda _: b""),
    "HMAC by the public key": Forge.confused,
    "wrong kid": lambda forge: forge.token(kid="nobody"),
    "another key": lambda forge: forge.token(key=ed25519.Ed25519PrivateKey.generate()),
    "expired": lambda forge: forge.token(exp=time.time() - 60),
    "from the future": lambda forge: forge.token(iat=time.time() + 600),
    "not yet good": lambda forge: forge.token(nbf=time.time() + 600),
    "wrong audience": lambda forge: forge.token(aud="elsewhere"),
    "wrong issuer": lambda forge: forge.token(iss="elsewhere"),
    "64 KB": lambda forge: forge.token(padding="x" * 65_536),
    "an internal token": Forge.internal,
}


@pytest.mark.parametrize("name", FORGED)
def test_tokens_that_do_not_hold(store: Store, forge: Forge, name: str) -> None:
    answer = httpx.post(store.url, json={"query": ME}, headers={"authorization": f"Bearer {FORGED[name](forge)}"})

    assert answer.status_code in {401, 431}
    assert "data" not in answer.text


def test_a_token_that_holds_is_the_measure_of_the_above(store: Store, forge: Forge) -> None:
    assert graphql(store.url, "{ __typename }", token=forge.token()) == {"data": {"__typename": "Query"}}


# Tokens that are taken back ---------------------------------------------------------------------------------------


ENDINGS = {
    "log out": "mutation($token: String!) { userLogout(refreshToken: $token) { errors { code } } }",
    "all devices": "mutation { sessionsRevokeAll(keepCurrent: false) { errors { code } } }",
}


@pytest.mark.parametrize("name", ENDINGS)
def test_who_logs_out_is_out_at_once(store: Store, name: str) -> None:
    email = store.register()
    grant, other = store.log_in(email), store.log_in(email)
    assert store.knows(grant["accessToken"])

    graphql(store.url, ENDINGS[name], {"token": grant["refreshToken"]}, grant["accessToken"])

    wait_until(lambda: not store.knows(grant["accessToken"]), 2)
    if name == "all devices":
        wait_until(lambda: not store.knows(other["accessToken"]), 2)
    else:
        assert store.knows(other["accessToken"])
    assert store.knows(store.log_in(email)["accessToken"])


def test_a_new_password_ends_the_sessions_of_whoever_had_the_old_one(store: Store) -> None:
    email = store.register()
    thief, owner = store.log_in(email), store.log_in(email)
    change = """mutation($old: String!, $new: String!) {
        userPasswordChange(currentPassword: $old, password: $new) { errors { code } } }"""

    changed = graphql(store.url, change, {"old": PASSWORD, "new": PASSWORD + "!"}, owner["accessToken"])

    assert changed["data"]["userPasswordChange"]["errors"] == []
    wait_until(lambda: not store.knows(thief["accessToken"]), 2)
    assert store.knows(owner["accessToken"])


def test_an_operator_takes_tokens_back(store: Store) -> None:
    email = store.register()
    grant, other = store.log_in(email), store.log_in(email)["accessToken"]
    leaked, user_id = grant["accessToken"], grant["user"]["id"]

    store.operator("revoke", "-", told=leaked)
    wait_until(lambda: not store.knows(leaked), 2)
    assert store.knows(other)

    store.operator("revoke", f"sub:{user_id}")
    wait_until(lambda: not store.knows(other), 2)
    assert user_id in store.operator("list")
    assert "holds again" in store.operator("restore", f"sub:{user_id}")
    wait_until(lambda: store.knows(other), 2)


# Requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [b"content-length: 21\r\ncontent-length: 5", b"transfer-encoding: xchunked"])
def test_requests_that_mean_two_things(store: Store, lines: bytes) -> None:
    parts = urlsplit(store.url)
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(head + lines + b"\r\n\r\n" + b'{"query":"{ hello }"}')
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_foreign_page_cannot_post(store: Store, media: str) -> None:
    answer = httpx.post(store.url, content=json.dumps({"query": ME}), headers={"content-type": media})

    assert answer.status_code in {400, 415}
    assert "data" not in answer.json()


def test_a_foreign_page_cannot_get(store: Store) -> None:
    answer = httpx.get(store.url, params={"query": ME})

    assert answer.json()["errors"][0]["extensions"]["code"] == "CSRF_ERROR"


def test_many_passwords_in_one_request(store: Store) -> None:
    """The right one is among them, where it is too late to be tried."""
    email = store.register()
    passwords = [*(f"guess number {number}" for number in range(30)), PASSWORD]
    tries = " ".join(
        f'a{number}: userLogin(email: "{email}", password: "{password}") {{ accessToken errors {{ code }} }}'
        for number, password in enumerate(passwords)
    )

    data = graphql(store.url, f"mutation {{ {tries} }}")["data"]

    assert not [each for each in data.values() if each["accessToken"]]
    assert "RATE_LIMITED" in {error["code"] for each in data.values() for error in each["errors"]}
    batch = httpx.post(store.url, json=[{"query": "{ __typename }"}] * 2)
    assert batch.status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        '{ product(id: "prod_\\u0000") { name } }',
        '{ products(first: 1, after: "!!") { nodes { id } } }',
        "{ products(first: 1000000000000) { nodes { id } } }",
        '{ cart(id: "\\u2028\'; DROP TABLE carts") { id } }',
    ],
)
def test_errors_tell_nothing_of_the_inside(store: Store, query: str) -> None:
    answer = httpx.post(store.url, json={"query": query})

    assert answer.status_code < 500
    inside = ("Traceback", "sqlalchemy", "asyncpg", "SELECT", "site-packages", str(store.data_dir), "Error(")
    assert not [each for each in inside if each in answer.text]


def test_dead_letters_open_by_a_link_of_the_stores_own_key_alone(store: Store) -> None:
    letter = DeadLetter("notifications.mails", "evt_1", "OrderPlaced", "ord_1", 8, datetime.now(UTC), "")
    ours = ReplayLinks("notifications", DataDirectory(store.data_dir).secrets().internal_key).path(letter)
    theirs = ReplayLinks("notifications", "k" * 48).path(letter)
    shop = store.url.removesuffix("/graphql")
    for method in ("GET", "POST"):
        assert "no such dead letter" in httpx.request(method, f"{shop}{ours}").text
        assert httpx.request(method, f"{shop}{theirs}").status_code == 403
