"""Access tokens as a stranger checks them: by the published keys and nothing else."""

from __future__ import annotations

import asyncio
import stat
from datetime import timedelta

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from kernel.app import create_app
from kernel.secrets import FileSecrets
from router.policy.identity import TokenVerifier
from router.policy.keys import KeySet
from subgraphs.users.app import key_set
from subgraphs.users.settings import UsersSettings
from subgraphs.users.storage.keys import FixedKey, RotatingKeys, RotationRules, SigningKey, SigningKeyError


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
    public = rotating(world.settings.data_dir / "keys").signing(world.clock.now()).private.public_key()
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


def rotating(folder, **rules):
    return RotatingKeys(FileSecrets(folder), RotationRules(**rules))


def kids(keys, now):
    return [key.kid for key in keys.published(now)]


def test_a_key_is_made_once_for_its_owner_only_and_outlives_a_restart(tmp_path, clock):
    first, second = (rotating(tmp_path / "keys").signing(clock.now()) for _ in range(2))

    assert first.kid == second.kid
    assert stat.S_IMODE((tmp_path / "keys" / "access-tokens.json").stat().st_mode) == 0o600


async def test_processes_that_start_at_once_agree_on_one_key(tmp_path, clock):
    made = await asyncio.gather(
        *(asyncio.to_thread(lambda: rotating(tmp_path).signing(clock.now()).kid) for _ in range(8))
    )

    assert len(set(made)) == 1


def test_the_key_of_an_earlier_version_is_taken_over(tmp_path, clock):
    private = Ed25519PrivateKey.generate()
    (tmp_path / "access-tokens.pem").write_text(pem(private))

    keys = RotatingKeys(FileSecrets(tmp_path), RotationRules(), heirloom=tmp_path / "access-tokens.pem")

    assert keys.signing(clock.now()).kid == SigningKey.of(private).kid


def test_a_new_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_have_expired(tmp_path, clock):
    keys = rotating(tmp_path)
    old = keys.signing(clock.now()).kid

    new = keys.rotate(clock.now())
    assert keys.signing(clock.now()).kid == old
    assert kids(keys, clock.now()) == [old, new]

    clock.advance(seconds=600)
    assert keys.signing(clock.now()).kid == new
    assert kids(keys, clock.now()) == [old, new]

    clock.advance(seconds=15 * 60 + 61)
    assert kids(keys, clock.now()) == [new]


def test_keys_rotate_by_themselves_when_they_are_old(tmp_path, clock):
    keys = rotating(tmp_path, every=timedelta(days=90))
    old = keys.signing(clock.now()).kid

    assert not keys.rotate_when_due(clock.now())
    clock.advance(seconds=90 * 24 * 3600)
    assert keys.rotate_when_due(clock.now())
    assert not keys.rotate_when_due(clock.now())
    assert kids(rotating(tmp_path), clock.now())[0] == old


def test_a_compromised_key_is_worth_nothing_from_now_on(tmp_path, clock):
    keys = rotating(tmp_path)
    old = keys.signing(clock.now()).kid

    new = keys.rotate(clock.now(), compromised=True)

    assert old != new == keys.signing(clock.now()).kid
    assert kids(keys, clock.now()) == [new]


async def test_rotation_logs_nobody_out(world):
    tokens = world.service.sessions.tokens
    verifier = TokenVerifier(
        KeySet(tokens.key_set, refresh=300, clock=lambda: world.clock.now().timestamp()),
        issuer="storegraph",
        audience="storegraph",
        clock=lambda: world.clock.now().timestamp(),
    )
    await world.register("ada@example.com")
    session = await world.log_in("ada@example.com")
    for rotated in range(60):  # half an hour in steps of 30 s, rotated twice
        if rotated in {5, 30}:
            tokens.keys.rotate(world.clock.now())
        document = "mutation($token: String!) { tokenRefresh(refreshToken: $token) { accessToken refreshToken } }"
        assert (await verifier.identify(b"Bearer " + session["accessToken"].encode())).id
        session = (await world.ask(document, token=session["refreshToken"]))["tokenRefresh"]
        world.clock.advance(seconds=30)


async def test_a_key_can_be_given_by_setting(world):
    private = Ed25519PrivateKey.generate()
    own = UsersSettings(signing_key=pem(private))

    [key] = key_set(world.settings, own)["keys"]

    assert key["kid"] == SigningKey.of(private).kid
    assert pem(private) not in repr(own)


@pytest.mark.parametrize("text", ["", "no key", pem(generate_private_key(SECP256R1()))])
def test_a_wrong_key_is_told_in_one_line_without_the_key(tmp_path, clock, text):
    path = tmp_path / "access-tokens.pem"
    path.write_text(text)

    with pytest.raises(SigningKeyError) as refusal:
        FixedKey(path=path).signing(clock.now())

    assert "\n" not in refusal.value.message
    assert "BEGIN" not in refusal.value.message


def test_a_file_that_is_not_there_is_named(tmp_path, clock):
    with pytest.raises(SigningKeyError, match=r"access-tokens\.pem cannot be used"):
        FixedKey(path=tmp_path / "access-tokens.pem").signing(clock.now())
