"""From the caller's token and headers to what the engine hands on to the subgraphs."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from kernel.identity import InternalTokenVerifier
from router.policy.identity import TokenVerifier
from router.policy.internal_token import InternalTokenSigner
from router.policy.keys import KeySet
from router.policy.proxies import TrustedProxies
from router.server.callers import client_headers
from router.server.exchange import CLIENT_ADDRESS

HELLO = {"query": "{ hello }"}
SECRET = "s" * 32
KEY = Ed25519PrivateKey.generate()


def key_set() -> dict[str, Any]:
    return {"keys": [{**json.loads(OKPAlgorithm.to_jwk(KEY.public_key())), "kid": "1"}]}


def bearer(**claims: Any) -> dict[str, str]:
    payload = {"iss": "storegraph", "aud": "storegraph", "sub": "usr_1", "exp": time.time() + 60, **claims}
    return {"authorization": f"Bearer {jwt.encode(payload, KEY, algorithm='EdDSA', headers={'kid': '1'})}"}


@pytest.fixture
def client(connect: Any, make_app: Any) -> Any:
    verifier = TokenVerifier(KeySet(key_set, refresh=300), issuer="storegraph", audience="storegraph")
    return connect(app=make_app(verifier=verifier, signer=InternalTokenSigner(SECRET, subgraphs=["orders"])))


def caller(context: Any) -> Any:
    ((_, value),) = context.subgraph_headers["orders"]
    return InternalTokenVerifier(SECRET, audience="orders").verify_header(value)


async def test_a_token_makes_the_caller_known_to_subgraphs(client: Any, engine: Any) -> None:
    response = await client.post("/graphql", json=HELLO, headers=bearer(roles=["admin"], email="a@example.com"))

    assert response.status_code == 200
    ((_, context),) = engine.asked
    assert (caller(context).id, caller(context).kind, caller(context).email) == ("usr_1", "admin", "a@example.com")
    assert context.identity is not None


async def test_without_a_token_the_caller_is_anonymous(client: Any, engine: Any) -> None:
    await client.post("/graphql", json=HELLO)

    ((_, context),) = engine.asked
    assert caller(context).kind == "anonymous"


@pytest.mark.parametrize(
    ("headers", "status"),
    [(bearer(exp=1.0), 401), ({"authorization": "Bearer x"}, 401), ({"authorization": "Basic eA=="}, 400)],
)
async def test_a_bad_token_is_refused_and_not_taken_for_none(
    client: Any, engine: Any, headers: dict[str, str], status: int
) -> None:
    response = await client.post("/graphql", json=HELLO, headers=headers)

    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"]["code"] == "AUTH_ERROR"
    assert ("www-authenticate" in response.headers) == (status == 401)
    assert engine.asked == []


async def test_foreign_subgraphs_get_no_token(connect: Any, engine: Any) -> None:
    await connect().post("/graphql", json=HELLO, headers={"authorization": "whatever"})

    ((_, context),) = engine.asked
    assert (context.subgraph_headers, context.headers, context.identity) == (None, (), None)


async def test_only_listed_headers_are_forwarded(connect: Any, engine: Any) -> None:
    client = connect("headers: {forward: [Authorization, x-missing]}")

    await client.post("/graphql", json=HELLO, headers={"authorization": "Bearer x", "cookie": "a=b"})

    ((_, context),) = engine.asked
    assert context.headers == (("authorization", "Bearer x"),)


async def test_ids_tie_the_traces_together(connect: Any, engine: Any) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    response = await connect().post("/graphql", json=HELLO, headers={"x-request-id": "mine-1", "traceparent": parent})

    assert response.headers["x-request-id"] == "mine-1"
    ((_, context),) = engine.asked
    assert context.trace == (("x-request-id", "mine-1"), ("traceparent", parent))


@pytest.mark.parametrize("value", ["a b", "x" * 129, "a\tb", ""])
async def test_what_is_no_id_is_replaced(connect: Any, engine: Any, value: str) -> None:
    response = await connect().post("/graphql", json=HELLO, headers={"x-request-id": value, "traceparent": value})

    assert response.headers["x-request-id"] not in (value, "")
    ((_, context),) = engine.asked
    assert context.trace == (("x-request-id", response.headers["x-request-id"]),)


@pytest.mark.parametrize(
    ("peer", "way", "address"),
    [
        (b"203.0.113.7", b"", "203.0.113.7"),
        (b"203.0.113.7", b"198.51.100.1", "203.0.113.7"),
        (b"10.0.0.1", b"198.51.100.1", "198.51.100.1"),
        (b"10.0.0.1", b"192.0.2.66, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (b"10.0.0.1", b"", "10.0.0.1"),
        (b"10.9.8.7", b"198.51.100.1, 10.200.0.1", "10.9.8.7"),
        (b"10.1.2.3", b"198.51.100.1, 10.1.200.1, fd00::5", "198.51.100.1"),
        (b"no address", b"198.51.100.1", "no address"),
        (b"10.0.0.1", b"no address", "no address"),
    ],
)
def test_only_trusted_proxies_are_believed_where_a_client_is(peer: bytes, way: bytes, address: str) -> None:
    headers = {CLIENT_ADDRESS: peer, b"x-forwarded-for": way}

    assert client_headers(headers, TrustedProxies(["10.0.0.1", "10.0.0.2", "10.1.0.0/16", "fd00::/8"])) == (
        ("x-client-address", address),
    )
