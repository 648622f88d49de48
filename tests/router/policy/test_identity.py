"""Tokens of clients: what is believed, and everything that is refused."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

from router.policy.identity import (
    ANONYMOUS,
    IdentityUnavailableError,
    InvalidTokenError,
    MalformedCredentialsError,
    TokenVerifier,
)
from router.policy.keys import KeySet, KeysUnavailableError, key_reader

ED = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW = 1_800_000_000.0


def jwk(key: Any, key_id: str) -> dict[str, Any]:
    algorithm = OKPAlgorithm if isinstance(key, ed25519.Ed25519PrivateKey) else RSAAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": key_id, "use": "sig"}


class Issuer:
    """A key set that counts how often it is read and can be out of reach."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.reads = 0
        self.away = False

    def read(self) -> Mapping[str, Any]:
        self.reads += 1
        if self.away:
            raise OSError("away")
        return {"keys": self.keys}


class Clock:
    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def verifier(issuer: Issuer, clock: Callable[[], float] = Clock(), **options: Any) -> TokenVerifier:  # noqa: B008
    keys = KeySet(issuer.read, refresh=300, clock=clock)
    return TokenVerifier(keys, issuer="storegraph", audience="storegraph", clock=clock, **options)


def token(key: Any = ED, *, alg: str = "EdDSA", kid: str | None = "ed", **claims: Any) -> bytes:
    payload = {"iss": "storegraph", "aud": "storegraph", "sub": "usr_1", "exp": NOW + 900, **claims}
    payload = {name: value for name, value in payload.items() if value is not ...}
    return b"Bearer " + jwt.encode(payload, key, algorithm=alg, headers={"kid": kid} if kid else {}).encode()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(jwk(ED, "ed"), jwk(RSA, "rsa"), {"kty": "EC", "kid": "odd"}, {"kty": "OKP", "kid": "broken"})


async def test_nobody_is_anonymous(issuer: Issuer) -> None:
    assert await verifier(issuer).identify(None) is ANONYMOUS
    assert issuer.reads == 0


@pytest.mark.parametrize(("key", "alg", "kid"), [(ED, "EdDSA", "ed"), (RSA, "RS256", "rsa")])
async def test_claims_become_the_identity(issuer: Issuer, key: Any, alg: str, kid: str) -> None:
    header = token(key, alg=alg, kid=kid, roles=["staff"], scopes=["orders:read"], email="ada@example.com")

    identity = await verifier(issuer).identify(header)

    assert (identity.id, identity.kind, identity.email) == ("usr_1", "staff", "ada@example.com")
    assert identity.roles == {"staff"}
    assert identity.scopes == {"orders:read"}


async def test_scope_may_be_one_text(issuer: Issuer) -> None:
    identity = await verifier(issuer).identify(token(scope="a b"))

    assert identity.scopes == {"a", "b"}
    assert identity.kind == "customer"


async def test_a_verified_token_is_remembered_until_it_ends(issuer: Issuer) -> None:
    clock = Clock()
    subject = verifier(issuer, clock)
    header = token()
    first = await subject.identify(header)

    assert subject.remembered(header) is first
    clock.now = NOW + 900 + 4
    assert subject.remembered(header) is first
    clock.now = NOW + 900 + 6
    assert subject.remembered(header) is None
    with pytest.raises(InvalidTokenError, match="expired"):
        await subject.identify(header)


def hmac_with_public_key() -> bytes:
    """The classic confusion: the RSA public key used as an HMAC secret."""
    secret = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (
            {"alg": "HS256", "kid": "rsa"},
            {"iss": "storegraph", "aud": "storegraph", "sub": "x", "exp": NOW + 9},
        )
    ]
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(b".".join(parts), secret)
    return b"Bearer " + b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")])


REFUSED = {
    "alg none": lambda: b"Bearer " + jwt.encode({"sub": "x"}, None, algorithm="none").encode(),
    "HMAC by public key": hmac_with_public_key,
    "unknown kid": lambda: token(kid="other"),
    "kid of another key": lambda: token(kid="rsa"),
    "no kid and several keys": lambda: token(kid=None),
    "signed by somebody else": lambda: token(ed25519.Ed25519PrivateKey.generate()),
    "expired": lambda: token(exp=NOW - 6),
    "no end": lambda: token(exp=...),
    "endless": lambda: token(exp="nan"),
    "from the future": lambda: token(iat=NOW + 60),
    "not yet good": lambda: token(nbf=NOW + 60),
    "wrong audience": lambda: token(aud="another"),
    "no audience": lambda: token(aud=...),
    "wrong issuer": lambda: token(iss="another"),
    "no subject": lambda: token(sub=...),
    "64 KB": lambda: b"Bearer " + b"a" * 65_536,
    "noise": lambda: b"Bearer \xff\xfe",
    "no parts": lambda: b"Bearer abc",
    "empty": lambda: b"Bearer  ",
}


@pytest.mark.parametrize("name", REFUSED)
async def test_bad_tokens_are_refused(issuer: Issuer, name: str) -> None:
    with pytest.raises(InvalidTokenError) as caught:
        await verifier(issuer).identify(REFUSED[name]())

    assert caught.value.status == 401


async def test_another_scheme_is_malformed(issuer: Issuer) -> None:
    with pytest.raises(MalformedCredentialsError):
        await verifier(issuer).identify(b"Basic YTpi")


async def test_an_algorithm_outside_the_list_is_refused(issuer: Issuer) -> None:
    with pytest.raises(InvalidTokenError):
        await verifier(issuer, algorithms=["EdDSA"]).identify(token(RSA, alg="RS256", kid="rsa"))


async def test_without_kid_a_single_key_is_taken() -> None:
    identity = await verifier(Issuer(jwk(ED, "ed"))).identify(token(kid=None))

    assert identity.id == "usr_1"


async def test_a_rotated_key_is_found_and_invented_ids_do_not_hammer_the_issuer(issuer: Issuer) -> None:
    clock = Clock()
    subject = verifier(issuer, clock)
    await subject.identify(token())
    fresh = ed25519.Ed25519PrivateKey.generate()
    issuer.keys.append(jwk(fresh, "next"))
    clock.now += 11

    await subject.identify(token(fresh, kid="next"))
    for number in range(20):
        with pytest.raises(InvalidTokenError):
            await subject.identify(token(kid=f"invented-{number}"))

    assert issuer.reads == 2


async def test_known_keys_outlive_an_issuer_that_is_away(issuer: Issuer) -> None:
    clock = Clock()
    subject = verifier(issuer, clock)
    await subject.identify(token())
    issuer.away = True
    clock.now += 600

    identity = await subject.identify(token(sub="usr_2", exp=NOW + 9000))

    assert identity.id == "usr_2"


async def test_no_keys_at_all_is_our_fault_not_the_callers(issuer: Issuer) -> None:
    issuer.away = True

    with pytest.raises(IdentityUnavailableError) as caught:
        await verifier(issuer).identify(token())

    assert caught.value.status == 503


@pytest.mark.parametrize("form", ["{path}", "file://{path}"])
async def test_key_sets_are_read_from_files(tmp_path: Path, form: str) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [jwk(ED, "ed")]}))
    keys = KeySet(key_reader(form.format(path=path)), refresh=300)

    assert await keys.find("ed") is not None


async def test_key_sets_are_read_over_http() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/jwks.json"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": [jwk(ED, "ed")]}).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        origin = f"http://127.0.0.1:{server.server_port}"
        try:
            assert await KeySet(key_reader(f"{origin}/jwks.json"), refresh=300).find("ed") is not None
            with pytest.raises(KeysUnavailableError):
                await KeySet(key_reader(f"{origin}/other"), refresh=300).find("ed")
        finally:
            server.shutdown()


async def test_many_callers_wait_for_one_reading_of_the_keys(issuer: Issuer) -> None:
    subject = verifier(issuer)

    await asyncio.gather(*(subject.identify(token(sub=f"usr_{number}")) for number in range(10)))

    assert issuer.reads == 1


async def test_the_real_clock_is_the_default(issuer: Issuer) -> None:
    keys = KeySet(issuer.read, refresh=300)
    subject = TokenVerifier(keys, issuer="storegraph", audience="storegraph")

    assert (await subject.identify(token(exp=time.time() + 60))).id == "usr_1"
