"""The client's side of OAuth 2 and OpenID Connect, through Authlib: code flow with PKCE, state and nonce.

What belongs to one log-in (state, nonce, verifier, provider) travels sealed in a cookie of the browser that began it,
so that an answer is taken only from the provider that was asked, by the browser that asked, once.

ProviderError             told to the person as "log-in with … did not work"
├── AnswerRefusedError    the answer does not fit the question: forged, replayed, or mixed up
└── ProviderDownError     the provider cannot be reached or does not keep to the protocol
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast

import httpx2 as httpx
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from kernel.errors import InfrastructureError
from subgraphs.users.domain.identities import Claims

_SECONDS: Final = 10.0
_KEPT_SECONDS: Final = 3600.0
_NEW_KEYS_SECONDS: Final = 60.0
_LEEWAY: Final = 60
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]


class ProviderError(InfrastructureError):
    """Log-in with a provider did not work."""


class AnswerRefusedError(ProviderError):
    """The answer does not fit the question."""


class ProviderDownError(ProviderError):
    """The provider cannot be reached or does not keep to the protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What must be remembered until the provider's answer comes."""

    provider: str
    state: str
    nonce: str
    verifier: str


class Provider(Protocol):
    """Somebody who can tell who a person is."""

    @property
    def name(self) -> str:
        """Name the provider, as in its address here."""
        ...

    async def ask(self, redirect_uri: str) -> tuple[str, Question]:
        """Give the address to send a browser to, and what to remember."""
        ...

    async def hear(self, answer: Mapping[str, str], asked: Question, redirect_uri: str) -> Claims:
        """Read who somebody is out of what their browser brought back.

        Raises:
            ProviderError: it does not hold.
        """
        ...


@dataclass(slots=True, kw_only=True)
class OpenIdProvider:
    """Any provider that keeps to OpenID Connect and tells where its endpoints are (discovery)."""

    name: str
    issuer: str
    client_id: str
    client_secret: str | None
    other_spellings: tuple[str, ...] = ()
    """How else the issuer signs its ID tokens than it is found: Google leaves the scheme away at times."""
    scope: str = "openid email profile"
    transport: httpx.AsyncBaseTransport | None = None
    _found: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)

    async def ask(self, redirect_uri: str) -> tuple[str, Question]:
        """Give the address to send a browser to, and what to remember."""
        metadata = await self._metadata()
        if "S256" not in metadata.get("code_challenge_methods_supported", ["S256"]):
            raise ProviderDownError(f"{self.name} does not offer PKCE with S256.")
        question = _new_question(self.name)
        async with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=question.state,
                nonce=question.nonce,
                code_verifier=question.verifier,
            )
        return url, question

    async def hear(self, answer: Mapping[str, str], asked: Question, redirect_uri: str) -> Claims:
        """Read the ID token that a code is exchanged for."""
        metadata = await self._metadata()
        promised = metadata.get("authorization_response_iss_parameter_supported") is True
        _insist_on_answer(answer, asked, issuer=self.issuer, promised=promised)
        async with self._client(redirect_uri) as client:
            token = await _exchanged(client, metadata["token_endpoint"], answer["code"], asked, self.name)
            claims = await self._claims_of(str(token.get("id_token", "")), asked, metadata)
            if "email" not in claims and "userinfo_endpoint" in metadata:
                more = await _get(client, metadata["userinfo_endpoint"], self.name)
                if more.get("sub") != claims["sub"]:
                    raise AnswerRefusedError(f"{self.name} speaks of two people.")
                claims = {**more, **claims}
        return Claims(
            provider=self.name,
            subject=str(claims["sub"]),
            email=claims.get("email"),
            email_verified=claims.get("email_verified") in {True, "true"},  # some write it as a word
            name=str(claims.get("name", "")),
        )

    async def _claims_of(self, id_token: str, asked: Question, metadata: Mapping[str, Any]) -> dict[str, Any]:
        try:
            claims = await self._decoded(id_token, metadata["jwks_uri"])
            jwt.JWTClaimsRegistry(
                leeway=_LEEWAY,
                iss={"essential": True, "values": [self.issuer, *self.other_spellings]},
                aud={"essential": True, "value": self.client_id},
                nonce={"essential": True, "value": asked.nonce},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise AnswerRefusedError(f"The ID token of {self.name} does not hold: {type(error).__name__}.") from error
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self.client_id:
            raise AnswerRefusedError(f"The ID token of {self.name} is meant for somebody else.")
        return dict(claims)

    async def _decoded(self, id_token: str, address: str) -> dict[str, Any]:
        """Check the signature; for a key that is not known yet the set is fetched again, but not time and again."""
        try:
            return jwt.decode(id_token, await self._keys(address), algorithms=_ALGORITHMS).claims
        except InvalidKeyIdError:
            keys = await self._keys(address, at_most_old=_NEW_KEYS_SECONDS)
            return jwt.decode(id_token, keys, algorithms=_ALGORITHMS).claims

    async def _keys(self, address: str, *, at_most_old: float = _KEPT_SECONDS) -> KeySet:
        return KeySet.import_key_set(cast("Any", await self._document(address, at_most_old=at_most_old)))

    async def _metadata(self) -> dict[str, Any]:
        found = await self._document(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise ProviderDownError(f"{self.name} describes another issuer than {self.issuer}.")
        return found

    async def _document(self, url: str, *, at_most_old: float = _KEPT_SECONDS) -> dict[str, Any]:
        at, found = self._found.get(url, (float("-inf"), {}))
        if time.monotonic() - at > at_most_old:
            async with httpx.AsyncClient(timeout=_SECONDS, transport=self.transport) as client:
                found = await _get(client, url, self.name)
            self._found[url] = (time.monotonic(), found)
        return found

    def _client(self, redirect_uri: str) -> Any:
        return _oauth_client(self, redirect_uri, "client_secret_basic")


@dataclass(slots=True, kw_only=True)
class GitHubProvider:
    """GitHub, which speaks OAuth 2 without OpenID Connect: who somebody is comes from its API."""

    name: str
    client_id: str
    client_secret: str | None
    site: str = "https://github.com"
    api: str = "https://api.github.com"
    scope: str = "read:user user:email"
    transport: httpx.AsyncBaseTransport | None = None

    async def ask(self, redirect_uri: str) -> tuple[str, Question]:
        """Give the address to send a browser to, and what to remember."""
        question = _new_question(self.name)
        async with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                f"{self.site}/login/oauth/authorize", state=question.state, code_verifier=question.verifier
            )
        return url, question

    async def hear(self, answer: Mapping[str, str], asked: Question, redirect_uri: str) -> Claims:
        """Ask the API who a code is of; only the primary address, and only if verified, counts."""
        _insist_on_answer(answer, asked, issuer=f"{self.site}/login/oauth", promised=False)
        async with self._client(redirect_uri) as client:
            await _exchanged(client, f"{self.site}/login/oauth/access_token", answer["code"], asked, self.name)
            person = await _get(client, f"{self.api}/user", self.name)
            emails = cast("list[dict[str, Any]]", await _get(client, f"{self.api}/user/emails", self.name))
        primary = next((each for each in emails if each.get("primary")), None)
        return Claims(
            provider=self.name,
            subject=str(person["id"]),
            email=primary["email"] if primary else None,
            email_verified=bool(primary and primary.get("verified")),
            name=str(person.get("name") or ""),
        )

    def _client(self, redirect_uri: str) -> Any:
        # GitHub's documentation knows the secret as a field of the form only.
        return _oauth_client(self, redirect_uri, "client_secret_post")


def _oauth_client(provider: OpenIdProvider | GitHubProvider, redirect_uri: str, authentication: str) -> Any:
    """Make Authlib's client, which brings no types; `authentication` says how the secret travels."""
    return AsyncOAuth2Client(
        provider.client_id,
        provider.client_secret,
        scope=provider.scope,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        token_endpoint_auth_method=authentication if provider.client_secret else "none",
        timeout=_SECONDS,
        transport=provider.transport,
    )


def _new_question(provider: str) -> Question:
    return Question(provider=provider, state=generate_token(32), nonce=generate_token(32), verifier=generate_token(64))


def _insist_on_answer(answer: Mapping[str, str], asked: Question, *, issuer: str, promised: bool) -> None:
    """Let an answer pass that was given by whom we asked (RFC 9207), to what we asked, and not with an error."""
    if answer.get("state") != asked.state:
        raise AnswerRefusedError("The answer belongs to another question.")
    if answer.get("iss", issuer) != issuer or (promised and "iss" not in answer):
        raise AnswerRefusedError("The answer comes from another provider than was asked.")
    if "code" not in answer:
        raise AnswerRefusedError(f"The provider says no: {answer.get('error', 'without a reason')[:80]}.")


async def _exchanged(client: Any, url: str, code: str, asked: Question, provider: str) -> Mapping[str, Any]:
    try:
        return await client.fetch_token(url, code=code, code_verifier=asked.verifier, grant_type="authorization_code")
    except OAuthError as error:
        raise AnswerRefusedError(f"{provider} does not take the code: {error.error}.") from error
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderDownError(f"{provider} cannot be asked: {type(error).__name__}.", retryable=True) from error


async def _get(client: httpx.AsyncClient, url: str, provider: str) -> dict[str, Any]:
    try:
        return (await client.get(url, headers={"accept": "application/json"})).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderDownError(f"{provider} cannot be asked: {type(error).__name__}.", retryable=True) from error
