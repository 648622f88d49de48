"""Callers by other means than one issuer's token: several issuers, API keys; and tokens that were taken back."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from router.config import ConfigError
from router.config_file import parse_settings
from router.operations.clients import new_key
from router.policy.api_keys import read_api_keys
from router.policy.identity import ANONYMOUS, Identity, InvalidTokenError
from router.policy.issuers import token_verifier
from router.policy.revocation import Revocations
from router.policy.token_settings import ApiKeySettings, AuthenticationSettings, JwtSettings, RevocationSettings
from router.server.callers import Callers
from router.server.errors import UnidentifiedError
from tests.servers import ValkeyForTests

SHOP = ed25519.Ed25519PrivateKey.generate()
PARTNER = ec.generate_private_key(ec.SECP256R1())


def signed(issuer: str, key: Any, algorithm: str, **claims: Any) -> bytes:
    payload = {"iss": issuer, "aud": "router", "sub": "usr_1", "exp": time.time() + 60, "roles": ["admin"], **claims}
    return b"Bearer " + jwt.encode(payload, key, algorithm=algorithm, headers={"kid": "1"}).encode()


@pytest.fixture
def issuers(tmp_path: Path) -> tuple[JwtSettings, ...]:
    sets = {"shop": OKPAlgorithm.to_jwk(SHOP.public_key()), "partner": ECAlgorithm.to_jwk(PARTNER.public_key())}
    for name, key in sets.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"keys": [{**json.loads(key), "kid": "1"}]}))
    return (
        JwtSettings(jwks=str(tmp_path / "shop.json"), issuer="shop", audience="router"),
        JwtSettings(
            jwks=str(tmp_path / "partner.json"),
            issuer="partner",
            audience="router",
            algorithms=("ES256",),
            roles=("vendor",),
        ),
    )


async def test_each_issuer_has_keys_and_rights_of_its_own(issuers: tuple[JwtSettings, ...]) -> None:
    verifier = token_verifier(issuers)
    assert verifier is not None
    own, foreign = signed("shop", SHOP, "EdDSA"), signed("partner", PARTNER, "ES256", roles=["admin", "vendor"])

    assert (await verifier.identify(own)).kind == "admin"
    assert (await verifier.identify(foreign)).kind == "vendor", "a partner's issuer makes nobody an administrator"
    assert verifier.remembered(own)
    assert verifier.remembered(foreign)
    assert verifier.remembered(None) == ANONYMOUS == await verifier.identify(None)


@pytest.mark.parametrize(
    "token",
    [
        signed("shop", PARTNER, "ES256"),
        signed("partner", SHOP, "EdDSA"),
        signed("nobody", SHOP, "EdDSA"),
        b"Bearer nonsense",
    ],
    ids=["wrong algorithm", "wrong issuer", "unknown issuer", "nonsense"],
)
async def test_no_issuer_signs_for_another(issuers: tuple[JwtSettings, ...], token: bytes) -> None:
    verifier = token_verifier(issuers)
    assert verifier is not None

    with pytest.raises(InvalidTokenError):
        await verifier.identify(token)


def test_one_issuer_or_none(issuers: tuple[JwtSettings, ...]) -> None:
    assert token_verifier(()) is None
    with pytest.raises(ValueError, match="different"):
        AuthenticationSettings(jwt=issuers[0], issuers=(issuers[0],))


# API keys -----------------------------------------------------------------------------------------------------

KEY, DIGEST = new_key()
OLD, OLD_DIGEST = new_key()


@pytest.fixture
def keys(tmp_path: Path) -> ApiKeySettings:
    (tmp_path / "keys.yaml").write_text(f"""
keys:
  - {{name: acme, digest: "{DIGEST}", scopes: ["catalogue:read"], expires_at: 2999-01-01T00:00:00Z}}
  - {{name: acme, digest: "{OLD_DIGEST}", expires_at: 2020-01-01T00:00:00Z}}
""")
    return ApiKeySettings(path=str(tmp_path / "keys.yaml"))


def callers(issuers: tuple[JwtSettings, ...], keys: ApiKeySettings | None = None, **more: Any) -> Callers:
    return Callers(parse_settings("").headers, token_verifier(issuers), None, api_keys=read_api_keys(keys), **more)


async def test_a_key_is_as_good_as_a_token(keys: ApiKeySettings) -> None:
    partner = await callers((), keys).identify({b"x-api-key": KEY.encode()})

    assert partner is not None
    assert (partner.id, partner.client, partner.kind) == ("partner:acme", "acme", "customer")
    assert partner.scopes == {"catalogue:read"}
    assert await callers((), keys).identify({}) == ANONYMOUS


@pytest.mark.parametrize(
    "key", [OLD, "", "wrong", "x" * 100_000, KEY + "x"], ids=["old", "empty", "wrong", "long", "more"]
)
async def test_keys_that_do_not_hold(keys: ApiKeySettings, key: str) -> None:
    with pytest.raises(UnidentifiedError) as refusal:
        await callers((), keys).identify({b"x-api-key": key.encode()})

    assert (refusal.value.status, refusal.value.code) == (401, "AUTH_ERROR")


async def test_a_person_by_way_of_a_partner(issuers: tuple[JwtSettings, ...], keys: ApiKeySettings) -> None:
    headers = {b"authorization": signed("shop", SHOP, "EdDSA"), b"x-api-key": KEY.encode()}

    person = await callers(issuers, keys).identify(headers)

    assert person is not None
    assert (person.id, person.client) == ("usr_1", "acme")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"keys: [{{name: a, digest: '{KEY}'}}]", "digest must be"),
        (f"keys: [{{name: a, digest: '{DIGEST}', kind: service}}]", "Invalid enum"),
        (f"keys: [{{name: a, digest: '{DIGEST}', expires_at: 2027-01-01T00:00:00}}]", "time zone"),
        ("keys: 1", "does not list API keys"),
    ],
    ids=["key", "kind", "time zone", "shape"],
)
def test_files_of_keys_that_cannot_be_meant(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "keys.yaml").write_text(text)

    with pytest.raises(ConfigError, match=problem):
        read_api_keys(ApiKeySettings(path=str(tmp_path / "keys.yaml")))


# Revocation ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def revoked(valkey: ValkeyForTests) -> Any:
    made = Revocations(RevocationSettings(redis=valkey.url, key=f"revoked:{time.monotonic_ns()}", interval=0.05))
    yield made
    await made.aclose()


@pytest.mark.parametrize("name", ["jti:7", "sid:ses_1", "sub:usr_1"])
async def test_a_token_that_was_taken_back_holds_no_more(
    issuers: tuple[JwtSettings, ...], revoked: Revocations, name: str
) -> None:
    known = callers(issuers, revoked=revoked)
    headers = {b"authorization": signed("shop", SHOP, "EdDSA", jti="7", sid="ses_1")}
    assert await known.identify(headers)
    assert known.known(headers)

    await revoked.revoke(name, 60)
    await revoked.learn()

    with pytest.raises(UnidentifiedError, match="revoked"):
        known.known(headers)
    assert await known.identify({b"authorization": signed("shop", SHOP, "EdDSA", sub="usr_2", jti="8", sid="ses_2")})


async def test_what_has_ended_is_forgotten(revoked: Revocations) -> None:
    await revoked.revoke("sub:usr_1", -1)
    await revoked.learn()

    assert not revoked.hold(Identity("usr_1", "customer"))


async def test_without_the_store_what_was_known_holds() -> None:
    away = Revocations(RevocationSettings(redis="redis://127.0.0.1:1"))

    await away.learn()

    assert away.is_known
    assert not away.hold(Identity("usr_1", "customer"))
    await away.aclose()


# Header rules -------------------------------------------------------------------------------------------------

RULES = """
headers:
  forward: [x-plain]
  all:
    request:
      - propagate: {named: X-Tenant, rename: tenant, default: main}
      - propagate: {matching: "x-shop-.*"}
      - remove: {named: x-shop-secret}
      - insert: {name: x-via, value: storegraph}
  subgraphs:
    orders:
      request:
        - propagate: {named: authorization}
        - remove: {matching: "x-.*"}
"""
SENT = {b"x-plain": b"1", b"x-shop-a": b"2", b"x-shop-secret": b"3", b"authorization": b"Bearer t", b"host": b"h"}


@pytest.fixture
def by_rules() -> Callers:
    from router.policy.header_rules import header_rules

    settings = parse_settings(RULES, environment={}).headers
    return Callers(settings, None, None, rules=header_rules(settings, ["products", "orders"]))


def test_each_subgraph_gets_its_headers(by_rules: Callers) -> None:
    context = by_rules.context(None, by_rules.forwarded(SENT), b"1", SENT)

    assert dict(context.headers_for("products")) == {
        "x-plain": "1",
        "tenant": "main",
        "x-shop-a": "2",
        "x-via": "storegraph",
    }
    assert dict(context.headers_for("orders")) == {"tenant": "main", "authorization": "Bearer t"}


def test_what_any_subgraph_gets_keeps_requests_apart(by_rules: Callers) -> None:
    other = {**SENT, b"authorization": b"Bearer u"}

    assert by_rules.forwarded(SENT) != by_rules.forwarded(other)
    assert by_rules.forwarded(SENT) == by_rules.forwarded({**SENT, b"host": b"other"})


@pytest.mark.parametrize(
    "rule",
    [
        "{propagate: {named: Content-Length}}",
        "{propagate: {named: a, rename: Host}}",
        "{insert: {name: Transfer-Encoding, value: chunked}}",
        '{insert: {name: a, value: "x\\r\\nevil: 1"}}',
        "{insert: {name: x-client-address, value: '127.0.0.1'}}",
        "{propagate: {}}",
        "{propagate: {named: a, matching: b}}",
        "{propagate: {matching: '('}}",
        "{}",
        "{remove: {named: a}, insert: {name: b, value: c}}",
    ],
)
def test_rules_that_cannot_be_meant(rule: str) -> None:
    with pytest.raises(ConfigError):
        parse_settings(f"headers: {{all: {{request: [{rule}]}}}}", environment={})


def test_patterns_leave_out_what_belongs_to_connections() -> None:
    from router.policy.header_rules import header_rules

    settings = parse_settings("headers: {all: {request: [{propagate: {matching: '.*'}}]}}", environment={}).headers
    rules = header_rules(settings, ["a"])
    assert rules is not None

    made = rules.headers({b"host": b"h", b"content-length": b"5", b"x-client-address": b"1.1.1.1", b"x-mine": b"1"})

    assert made == {"a": (("x-mine", "1"),)}
