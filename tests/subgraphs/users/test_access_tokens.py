"""Access tokens as a stranger checks them: by the published keys and nothing else."""

from __future__ import annotations

import asyncio
import stat

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from kernel.app import create_app
from subgraphs.users.app import key_set
from subgraphs.users.settings import UsersSettings
from subgraphs.users.storage.keys import KeySource, SigningKeyError


def pem(private) -> str:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def check(token, keys, **options):
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(key for key in jwt.PyJWKSet.from_dict(keys).keys if key.key_id == kid)
    return jwt.decode(token, key, algorithms=["EdDSA"], audience="storegraph", issuer="storegraph", options=options)


@pytest.fixture
async def token(world):
    await world.register("ada@example.com")
    return (await world.log_in("ada@example.com"))["accessToken"]


async def test_the_published_keys_prove_who_somebody_is(world, token):
    app = create_app(world.subgraph, internal_key="k" * 32)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://users") as client:
        answer = await client.get("/.well-known/jwks.json")

    claims = check(token, answer.json(), verify_exp=False)

    assert answer.headers["cache-control"] == "public, max-age=300"
    assert claims["sub"].startswith("usr_")
    assert (claims["email"], claims["roles"], claims["scopes"]) == ("ada@example.com", ["customer"], [])
    assert claims["exp"] - claims["iat"] == 900
    assert claims["iat"] == int(world.clock.now().timestamp())


async def test_the_same_keys_are_to_be_had_without_http(world, token):
    assert check(token, key_set(world.settings, world.own), verify_exp=False)["sub"]


async def test_the_published_keys_hold_nothing_secret(world, token):
    [key] = key_set(world.settings, world.own)["keys"]

    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")


async def test_an_expired_token_is_refused(world, token):
    with pytest.raises(jwt.ExpiredSignatureError):
        check(token, key_set(world.settings, world.own))


async def test_forged_tokens_are_refused(world, token):
    keys = key_set(world.settings, world.own)
    claims, kid = check(token, keys, verify_exp=False), keys["keys"][0]["kid"]
    public = KeySource(path=world.settings.data_dir / "keys" / "access-tokens.pem").signing.private.public_key()
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    head, body, signature = token.split(".")
    forged = [
        jwt.encode(claims, None, algorithm="none", headers={"kid": kid}),
        jwt.encode(claims, raw, algorithm="HS256", headers={"kid": kid}),
        jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": kid}),
        f"{head}.{jwt.encode({**claims, 'roles': ['admin']}, 'x' * 32).split('.')[1]}.{signature}",
        f"{head}.{body}.",
    ]

    for each in forged:
        with pytest.raises(jwt.InvalidTokenError):
            check(each, keys, verify_exp=False)


def test_the_key_is_made_once_for_its_owner_only_and_outlives_a_restart(tmp_path):
    path = tmp_path / "keys" / "access-tokens.pem"

    first, second = KeySource(path=path).signing, KeySource(path=path).signing

    assert first.kid == second.kid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


async def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    path = tmp_path / "access-tokens.pem"

    kids = await asyncio.gather(*(asyncio.to_thread(lambda: KeySource(path=path).signing.kid) for _ in range(8)))

    assert len(set(kids)) == 1
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


async def test_a_key_can_be_given_by_setting(world, tmp_path):
    private = Ed25519PrivateKey.generate()
    own = UsersSettings(signing_key=pem(private))

    [key] = key_set(world.settings, own)["keys"]

    assert key["kid"] == KeySource(path=tmp_path / "none", pem=pem(private)).signing.kid
    assert pem(private) not in repr(own)


@pytest.mark.parametrize("text", ["", "no key", pem(generate_private_key(SECP256R1()))])
def test_a_wrong_key_is_told_in_one_line_without_the_key(tmp_path, text):
    path = tmp_path / "access-tokens.pem"
    path.write_text(text)

    with pytest.raises(SigningKeyError) as refusal:
        _ = KeySource(path=path).signing

    assert "\n" not in refusal.value.message
    assert "BEGIN" not in refusal.value.message


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "keys").write_text("in the way")

    with pytest.raises(SigningKeyError, match=r"access-tokens\.pem cannot be used"):
        _ = KeySource(path=tmp_path / "keys" / "access-tokens.pem").signing
