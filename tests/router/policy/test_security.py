"""What an attacker tries first, each through the whole router: refused, and no subgraph is asked."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import strawberry
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

from kernel.app import create_app
from kernel.graphql import build_schema
from kernel.identity import InternalTokenVerifier
from kernel.subgraph import Subgraph
from router.config_file import parse_settings
from router.execution import Engine, EngineSettings
from router.execution.transports import SubgraphOperation, SubgraphRequest, SubgraphResponse
from router.execution.transports.port import SigningTransport
from router.policy.gate import policy_gate
from router.policy.identity import ANONYMOUS, Identity, TokenVerifier
from router.policy.internal_token import InternalTokenSigner
from router.policy.keys import KeySet
from router.policy.signatures import RequestSigner
from router.server.app import RouterApp, create_router_app
from router.server.exchange import CLIENT_ADDRESS
from tests.router.policy.conftest import MakeWorld
from tests.router.server.test_protocol import read, served

ED = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
INTERNAL = "i" * 40
SHOP = "type Query { hello: String me: String @authenticated } type Mutation { login(password: String): String }"
HELLO = {"query": "{ hello }"}


class Shop:
    """A router over one subgraph that writes down what it is asked."""

    def __init__(self, make_world: MakeWorld, yaml: str = "", fault: Exception | None = None) -> None:
        supergraph = make_world(SHOP).supergraph
        settings = parse_settings(yaml, environment={})
        self.asked: list[SubgraphRequest] = []
        self.fault = fault
        engine_settings = EngineSettings(share_requests=False, introspection=settings.introspection_is_on)
        gate = policy_gate(supergraph, settings)
        self.engine = Engine(supergraph, {"s0": self}, engine_settings, gate=gate)
        keys = KeySet(key_set, refresh=300)
        self.app: RouterApp = create_router_app(
            self.engine,
            settings,
            verifier=TokenVerifier(keys, issuer="shop", audience="router"),
            signer=InternalTokenSigner(INTERNAL, subgraphs=["s0", "other"]),
        )

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        self.asked.append(request)
        if self.fault is not None:
            raise self.fault
        return SubgraphResponse(decoded={"data": {"hello": "world", "me": "me", "login": "no"}})

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url="http://router")

    async def post(self, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client() as client:
            return await client.post("/graphql", json=body or HELLO, headers=named)


def key_set() -> dict[str, Any]:
    keys = {"ed": OKPAlgorithm.to_jwk(ED.public_key()), "rsa": RSAAlgorithm.to_jwk(RSA.public_key())}
    return {"keys": [{**json.loads(key), "kid": name} for name, key in keys.items()]}


def token(key: Any = ED, algorithm: str = "EdDSA", kid: str = "ed", **claims: Any) -> str:
    payload = {"iss": "shop", "aud": "router", "sub": "usr_1", "exp": time.time() + 60, **claims}
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": kid})


def confused() -> str:
    """A token that is signed with the public key, as if that was a secret."""
    secret = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = {"iss": "shop", "aud": "router", "sub": "usr_1", "exp": time.time() + 60}
    parts = [_part({"alg": "HS256", "kid": "rsa"}), _part(claims)]
    return ".".join([*parts, _text(HMACAlgorithm(HMACAlgorithm.SHA256).sign(".".join(parts).encode(), secret))])


def _part(value: Any) -> str:
    return _text(json.dumps(value).encode())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unsigned() -> str:
    claims = {"iss": "shop", "aud": "router", "sub": "usr_1", "exp": time.time() + 60}
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


ATTACKS: dict[str, Callable[[], str]] = {
    "alg none": unsigned,
    "HS256 by the RSA public key": confused,
    "wrong kid": lambda: token(kid="nobody"),
    "kid of another key": lambda: token(kid="rsa"),
    "another key under a known kid": lambda: token(ed25519.Ed25519PrivateKey.generate()),
    "expired": lambda: token(exp=time.time() - 60),
    "from the future": lambda: token(iat=time.time() + 600),
    "not yet good": lambda: token(nbf=time.time() + 600),
    "wrong audience": lambda: token(aud="elsewhere"),
    "wrong issuer": lambda: token(iss="elsewhere"),
    "64 KB": lambda: token(padding="x" * 65_536),
    "an internal token": lambda: internal_token("s0"),
}


def internal_token(audience: str, identity: Identity = ANONYMOUS, **more: Any) -> str:
    signer = InternalTokenSigner(INTERNAL, subgraphs=["s0", "other"], **more)
    ((_, value),) = signer.headers(identity)[audience]
    return value.removeprefix("Bearer ")


@pytest.mark.parametrize("name", ATTACKS)
async def test_tokens_that_do_not_hold(make_world: MakeWorld, name: str) -> None:
    shop = Shop(make_world)

    response = await shop.post({"query": "{ me }"}, authorization=f"Bearer {ATTACKS[name]()}")

    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"]["code"] == "AUTH_ERROR"
    assert not shop.asked


async def test_a_token_that_holds_is_the_measure_of_the_above(make_world: MakeWorld) -> None:
    shop = Shop(make_world)

    assert (await shop.post({"query": "{ me }"}, authorization=f"Bearer {token()}")).json() == {"data": {"me": "me"}}


# Internal tokens ----------------------------------------------------------------------------------------------


@strawberry.type
class Query:
    @strawberry.field
    def hello(self) -> str:
        return "world"


def listening(*, signed: bool = False) -> httpx.AsyncClient:
    """A subgraph as it listens when it is a process of its own."""
    none: Any = None
    described = Subgraph(
        name="s0", schema=build_schema(Query), make_context=lambda _caller: none, database=none, migrations=Path()
    )
    transport = httpx.ASGITransport(create_app(described, internal_key=INTERNAL, signed=signed))
    return httpx.AsyncClient(transport=transport, base_url="http://s0")


@pytest.fixture
def subgraph() -> httpx.AsyncClient:
    return listening()


@pytest.mark.parametrize(
    "replayed",
    [
        lambda: None,
        lambda: "Bearer " + internal_token("other"),
        lambda: "Bearer " + internal_token("s0", clock=lambda: time.time() - 3600),
        lambda: "Bearer " + token(),
        lambda: "Bearer " + jwt.encode({"aud": "s0", "sub": "x"}, "another key of forty characters, at least", "HS256"),
    ],
    ids=["none", "of another subgraph", "of an hour ago", "a client's", "forged"],
)
async def test_a_subgraph_takes_only_fresh_tokens_that_are_meant_for_it(
    subgraph: httpx.AsyncClient, replayed: Callable[[], str | None]
) -> None:
    sent = replayed()

    answer = await subgraph.post("/graphql", json=HELLO, headers={} if sent is None else {"authorization": sent})

    assert answer.status_code == 401
    assert "world" not in answer.text


async def test_a_subgraph_takes_the_router_s_own(subgraph: httpx.AsyncClient) -> None:
    own = {"authorization": f"Bearer {internal_token('s0')}"}

    assert (await subgraph.post("/graphql", json=HELLO, headers=own)).status_code == 200


@pytest.fixture
def strict() -> httpx.AsyncClient:
    """A subgraph that insists on signed requests."""
    return listening(signed=True)


class Wire:
    """Sends to a subgraph, and overhears everything."""

    def __init__(self, subgraph: httpx.AsyncClient) -> None:
        self._subgraph = subgraph
        self.heard: list[tuple[dict[str, str], bytes]] = []

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        self.heard.append((dict((*request.headers, *request.trace)), request.body()))
        answer = await self.replay(*self.heard[-1])
        return SubgraphResponse(answer.status_code, "application/json", answer.content)

    async def replay(self, headers: dict[str, str], body: bytes) -> httpx.Response:
        return await self._subgraph.post("/graphql", content=body, headers=headers)


async def test_an_overheard_token_is_worth_nothing_with_another_request(strict: httpx.AsyncClient) -> None:
    wire = Wire(strict)
    signing = SigningTransport(wire, RequestSigner(INTERNAL))
    headers = (("authorization", f"Bearer {internal_token('s0')}"),)
    operation = SubgraphOperation("s0", "query", "{ hello }", None)

    for _ in range(2):
        assert b"world" in ((await signing.send(SubgraphRequest(operation, {}, headers))).body or b"")

    overheard, body = wire.heard[0]
    for replayed in (
        await wire.replay(overheard, body),
        await wire.replay(overheard, b'{"query":"{ again: hello }"}'),
        await wire.replay(dict(headers), body),
        await wire.replay({**overheard, "authorization": f"Bearer {internal_token('s0', lifetime=50)}"}, body),
    ):
        assert replayed.status_code == 401
        assert "world" not in replayed.text


async def test_clients_cannot_speak_for_the_router(make_world: MakeWorld) -> None:
    """What a client says of itself in headers that only the router writes never reaches a subgraph."""
    shop = Shop(make_world, "headers: {forward: [authorization], all: {request: [{propagate: {matching: '.*'}}]}}")
    forged = {"x_client_address": "127.0.0.1", "x_request_id": "forged\tid", "authorization": f"Bearer {token()}"}

    await shop.post(HELLO, **forged)

    (request,) = shop.asked
    sent = dict((*request.headers, *request.trace))
    assert InternalTokenVerifier(INTERNAL, audience="s0").verify_header(sent["authorization"]).id == "usr_1"
    assert sent["x-request-id"] != "forged\tid"
    assert "127.0.0.1" not in [value for name, value in request.headers if name == CLIENT_ADDRESS.decode()]


# Requests that mean two things --------------------------------------------------------------------------------

BODY = b'{"query":"{ hello }"}'
SMUGGLED = {
    "two lengths": b"content-length: 21\r\ncontent-length: 5\r\n\r\n" + BODY,
    "length and chunks": b"content-length: 21\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    "chunks by another name": b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"content-length : 21\r\n\r\n" + BODY,
    "a line that goes on": b"x-a: 1\r\n b\r\nx\x00y: 1\r\n\r\n",
    "a bare return": b"x-a: 1\rtransfer-encoding: chunked\r\n\r\n",
    "a length that is none": b"content-length: +21\r\n\r\n" + BODY,
}


@pytest.mark.parametrize("name", SMUGGLED)
async def test_smuggled_headers(make_world: MakeWorld, name: str) -> None:
    shop = Shop(make_world)
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"

    async with served(shop.app) as (_, connect):
        reader, writer = await connect()
        writer.write(head + SMUGGLED[name])
        status, _, _ = await read(reader)

    assert status == 400
    assert not shop.asked


# Browsers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_page_cannot_post_unasked(make_world: MakeWorld, media: str) -> None:
    shop = Shop(make_world)
    async with shop.client() as client:
        answer = await client.post("/graphql", content=json.dumps(HELLO), headers={"content-type": media})

    assert answer.status_code in {400, 415}
    assert not shop.asked


async def test_a_page_cannot_get_unasked(make_world: MakeWorld) -> None:
    shop = Shop(make_world)
    async with shop.client() as client:
        answer = await client.get("/graphql", params=HELLO)

    assert answer.json()["errors"][0]["extensions"]["code"] == "CSRF_ERROR"
    assert not shop.asked


# What nobody should learn -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { types { name } } }",
        '{ hello x: __type(name: "Query") { name } }',
        "{ ... on Query { ...F } } fragment F on Query { __schema { queryType { name } } }",
        "query ($yes: Boolean = true) { __schema @include(if: $yes) { types { name } } }",
    ],
)
async def test_introspection_that_is_off(make_world: MakeWorld, query: str) -> None:
    shop = Shop(make_world, "introspection: false")

    answer = (await shop.post({"query": query})).json()

    assert answer["errors"][0]["extensions"]["code"] == "INTROSPECTION_DISABLED"
    assert "data" not in answer


SECRET = "postgres://shop:hunter2@10.1.2.3/users"


async def test_errors_of_ours_do_not_leak(make_world: MakeWorld) -> None:
    shop = Shop(make_world, fault=RuntimeError(SECRET))

    answer = await shop.post()

    assert "internal error" in answer.text
    assert all(part not in answer.text for part in ("hunter2", "10.1.2.3", "RuntimeError", "Traceback"))


async def test_refusals_do_not_tell_why_a_token_is_bad(make_world: MakeWorld) -> None:
    """Whether a key exists or a signature is wrong is nothing that helps an honest client."""
    shop = Shop(make_world)
    answers = {
        name: (await shop.post(authorization=f"Bearer {ATTACKS[name]()}")).json()["errors"][0]["message"]
        for name in ("kid of another key", "wrong kid")
    }

    assert len(set(answers.values())) == 1


# Brute force --------------------------------------------------------------------------------------------------

LOGIN = (
    "rate_limits: {rules: [{name: login, limit: 5, seconds: 600, per: ip, fields: [login]}]}\nbatching: {enabled: true}"
)


async def test_many_passwords_by_aliases(make_world: MakeWorld) -> None:
    shop = Shop(make_world, LOGIN + "\nlimits: {max_aliases: 20}")
    some = " ".join(f'a{number}: login(password: "{number}")' for number in range(10))
    many = " ".join(f'a{number}: login(password: "{number}")' for number in range(100))

    assert (await shop.post({"query": "mutation { login }"})).status_code == 200
    assert (await shop.post({"query": f"mutation {{ {some} }}"})).status_code == 429
    assert "MAX_ALIASES_LIMIT" in (await shop.post({"query": f"mutation {{ {many} }}"})).text
    assert len(shop.asked) == 1


async def test_many_passwords_by_batches(make_world: MakeWorld) -> None:
    shop = Shop(make_world, LOGIN)
    batch = [{"query": f'mutation {{ login(password: "{number}") }}'} for number in range(20)]

    answers = (await shop.post(batch)).json()

    assert sum("data" in each for each in answers) == 5
    assert len(shop.asked) == 5


@pytest.mark.parametrize(("size", "status"), [(1_500, 200), (3_000, 431)])
async def test_heads_have_a_bound_of_the_settings(make_world: MakeWorld, size: int, status: int) -> None:
    shop = Shop(make_world, "limits: {header_bytes: 2048}")
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(BODY)

    async with served(shop.app) as (_, connect):
        reader, writer = await connect()
        writer.write(head + b"x-a: " + b"a" * size + b"\r\n\r\n" + BODY)
        answered, _, _ = await read(reader)

    assert answered == status
