"""What is special about Google and GitHub, by what they document.

Nobody can ask them without an account of theirs and the internet, so their answers are written down here: what they
really say today is not tested. What they have in common with all others is tested against a real provider in
`test_providers.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from subgraphs.users.service.providers import (
    AnswerRefusedError,
    GitHubProvider,
    OpenIdProvider,
    ProviderDownError,
    Question,
)
from subgraphs.users.settings import ProviderSettings, UsersSettings

CALLBACK = "https://shop.example/auth/providers/x/callback"
GOOGLE = "https://accounts.google.com"
DISCOVERY = {
    "issuer": GOOGLE,
    "authorization_endpoint": f"{GOOGLE}/o/oauth2/v2/auth",
    "token_endpoint": "https://oauth2.googleapis.com/token",
    "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
    "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
    "code_challenge_methods_supported": ["plain", "S256"],
    "id_token_signing_alg_values_supported": ["RS256"],
}
PERSON = {"iss": GOOGLE, "sub": "10769150350006150715113082367", "email": "ada@gmail.com", "email_verified": True}

Answers = dict[str, Callable[[httpx.Request], Any]]


class Documented(httpx.AsyncBaseTransport):
    """Answers as documented, by the end of the address; keeps what was asked."""

    def __init__(self, answers: Answers) -> None:
        self.answers, self.asked = answers, []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked.append(request)
        answer = next(answer for end, answer in self.answers.items() if str(request.url).endswith(end))
        return httpx.Response(200, json=answer(request), request=request)

    def form(self, end: str) -> dict[str, list[str]]:
        return parse_qs(next(each for each in self.asked if str(each.url).endswith(end)).content.decode())


def key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


KEYS = {"old": key("old"), "new": key("new")}


def google(published: list[str], signed_by: str = "old", **claims: Any) -> tuple[OpenIdProvider, Documented]:
    """Google with these keys in its set, which tells of one person."""
    provider = ProviderSettings(kind="google", client_id="us").provider("google")
    assert isinstance(provider, OpenIdProvider)

    def token(_request: httpx.Request) -> Any:
        told = {**PERSON, "aud": "us", "azp": "us", "nonce": "n", "iat": time.time(), "exp": time.time() + 60, **claims}
        signed = jwt.encode({"alg": "RS256", "kid": signed_by}, told, KEYS[signed_by], algorithms=["RS256"])
        return {"access_token": "ya29.x", "expires_in": 3599, "token_type": "Bearer", "id_token": signed}

    transport = Documented(
        {
            "openid-configuration": lambda _: DISCOVERY,
            "/certs": lambda _: KeySet([KEYS[each] for each in published]).as_dict(private=False),
            "/token": token,
        }
    )
    provider.transport = transport
    return provider, transport


async def heard(provider: OpenIdProvider | GitHubProvider, **answer: str) -> Any:
    question = Question(provider="x", state="s", nonce="n", verifier="v" * 64)
    return await provider.hear({"state": "s", "code": "4/P7q7W91", **answer}, question, CALLBACK)


async def test_google_is_asked_with_pkce_where_its_discovery_says():
    provider, _ = google(["old"])

    url, question = await provider.ask(CALLBACK)

    asked = parse_qs(urlsplit(url).query)
    assert url.startswith(DISCOVERY["authorization_endpoint"])
    assert asked["scope"] == ["openid email profile"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["nonce"] == [question.nonce]


@pytest.mark.parametrize("issuer", [GOOGLE, "accounts.google.com"])
async def test_google_signs_with_either_spelling_of_its_name(issuer):
    provider, _ = google(["old"], iss=issuer)

    claims = await heard(provider, iss=GOOGLE, scope="email openid", prompt="none", authuser="0")

    assert (claims.subject, claims.email, claims.email_verified) == (PERSON["sub"], "ada@gmail.com", True)


@pytest.mark.parametrize(
    "claims", [{"iss": "https://accounts.google.com.evil.example"}, {"aud": "somebody"}, {"nonce": "x"}, {"exp": 1}]
)
async def test_what_google_did_not_say_to_us_is_refused(claims):
    provider, _ = google(["old"], **claims)

    with pytest.raises(AnswerRefusedError, match="does not hold"):
        await heard(provider)


async def test_a_new_key_of_google_is_fetched_but_not_for_every_forged_one():
    published = ["old"]
    provider, transport = google(published)
    await heard(provider)
    transport.answers["/token"] = google(published, "new")[1].answers["/token"]
    published.append("new")

    with pytest.raises(AnswerRefusedError):  # the set that is known is too young to be fetched again
        await heard(provider)
    provider._found = {url: (at - 61, found) for url, (at, found) in provider._found.items()}

    assert (await heard(provider)).subject == PERSON["sub"]
    assert sum("certs" in str(each.url) for each in transport.asked) == 2


def github(**answers: Any) -> tuple[GitHubProvider, Documented]:
    """GitHub by its REST documentation."""
    secret: Any = "github-secret"
    provider = ProviderSettings(kind="github", client_id="Iv1.us", client_secret=secret).provider("github")
    assert isinstance(provider, GitHubProvider)
    told = {
        "/access_token": {"access_token": "gho_16C7", "scope": "read:user,user:email", "token_type": "bearer"},
        "/user": {"id": 583231, "login": "octocat", "name": None, "email": None},
        "/user/emails": [
            {"email": "old@example.com", "verified": True, "primary": False, "visibility": None},
            {"email": "octocat@example.com", "verified": True, "primary": True, "visibility": "private"},
        ],
    } | answers
    transport = Documented({end: lambda _, answer=answer: answer for end, answer in told.items()})
    provider.transport = transport
    return provider, transport


async def test_github_tells_who_somebody_is_through_its_api():
    provider, transport = github()
    url, _ = await provider.ask(CALLBACK)

    claims = await heard(provider)

    asked = parse_qs(urlsplit(url).query)
    assert url.startswith("https://github.com/login/oauth/authorize?")
    assert (asked["scope"], asked["code_challenge_method"]) == (["read:user user:email"], ["S256"])
    assert (claims.subject, claims.email, claims.email_verified) == ("583231", "octocat@example.com", True)
    form = transport.form("/access_token")
    assert (form["client_secret"], form["code_verifier"]) == (["github-secret"], ["v" * 64])
    assert {each.headers["authorization"] for each in transport.asked[1:]} == {"Bearer gho_16C7"}
    assert all(each.headers["accept"] == "application/json" for each in transport.asked)


@pytest.mark.parametrize(
    ("emails", "expected"),
    [
        ([], (None, False)),
        ([{"email": "a@example.com", "verified": False, "primary": True}], ("a@example.com", False)),
        ([{"email": "a@example.com", "verified": True, "primary": False}], (None, False)),
    ],
)
async def test_of_githubs_addresses_only_a_verified_primary_one_counts(emails, expected):
    provider, _ = github(**{"/user/emails": emails})

    claims = await heard(provider)

    assert (claims.email, claims.email_verified) == expected


async def test_github_refuses_with_status_200():
    refusal = {"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}
    provider, _ = github(**{"/access_token": refusal})

    with pytest.raises(AnswerRefusedError, match="bad_verification_code"):
        await heard(provider)


async def test_an_answer_of_another_provider_is_not_githubs():
    provider, _ = github()

    with pytest.raises(AnswerRefusedError, match="another provider"):
        await heard(provider, iss="https://evil.example")


async def test_a_discovery_of_somebody_else_is_not_googles():
    provider, transport = google(["old"])
    transport.answers["openid-configuration"] = lambda _: {**DISCOVERY, "issuer": "https://evil.example"}

    with pytest.raises(ProviderDownError, match="another issuer"):
        await provider.ask(CALLBACK)


def test_providers_are_named_by_the_environment(monkeypatch):
    named = {"google": {"kind": "google", "client_id": "g"}, "work": {"issuer": "https://id.example", "client_id": "w"}}
    monkeypatch.setenv("STOREGRAPH_USERS_PROVIDERS", json.dumps(named))

    providers = {name: each.provider(name) for name, each in UsersSettings().providers.items()}

    assert {name: each.issuer for name, each in providers.items()} == {"google": GOOGLE, "work": "https://id.example"}
