"""Settings of the users subgraph: `STOREGRAPH_USERS_…`, or the table `[users]` of the file."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings
from subgraphs.users.domain.lockout import LockoutPolicy
from subgraphs.users.service.factors import RelyingParty
from subgraphs.users.service.providers import GitHubProvider, OpenIdProvider, Provider
from subgraphs.users.service.sessions import SessionRules
from subgraphs.users.storage.keys import RotationRules

_GOOGLE = "https://accounts.google.com"


class ProviderSettings(BaseModel, frozen=True):
    """Somebody else whom people log in with."""

    kind: Literal["oidc", "google", "github"] = "oidc"
    client_id: str
    client_secret: SecretStr | None = None
    issuer: str = ""
    """Of `oidc`: the issuer's address, below which its discovery document is."""

    def provider(self, name: str) -> Provider:
        """Make the provider."""
        secret = self.client_secret.get_secret_value() if self.client_secret else None
        if self.kind == "github":
            return GitHubProvider(name=name, client_id=self.client_id, client_secret=secret)
        google = self.kind == "google"
        return OpenIdProvider(
            name=name,
            issuer=_GOOGLE if google else self.issuer,
            client_id=self.client_id,
            client_secret=secret,
            other_spellings=(_GOOGLE.removeprefix("https://"),) if google else (),
        )


class UsersSettings(SubgraphSettings):
    """How passwords are hashed, how long tokens live, which keys sign them, and whom else people log in with."""

    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_USERS_")

    bcrypt_rounds: int = Field(default=12, ge=4, le=16)
    password_threads: int = Field(default=max(1, (os.cpu_count() or 1) // 2), ge=1, le=64)
    """How many passwords are hashed at a time; half of the processors, so that the rest goes on."""
    password_patience: float = Field(default=2.0, gt=0)
    """The longest that a log-in waits for its turn, in seconds; more are told to come again."""
    signing_key: SecretStr | None = None
    """An Ed25519 private key as PEM text, instead of keys that rotate."""
    signing_key_file: Path | None = None
    """A file with such a key."""
    signing_key_lifetime: timedelta = Field(default=timedelta(days=90), gt=timedelta())
    access_token_lifetime: timedelta = Field(default=timedelta(minutes=15), gt=timedelta(), le=timedelta(hours=1))
    refresh_token_lifetime: timedelta = Field(default=timedelta(days=30), gt=timedelta())
    session_lifetime: timedelta = Field(default=timedelta(days=180), gt=timedelta())
    refresh_grace: timedelta = Field(default=timedelta(seconds=10), ge=timedelta(), le=timedelta(minutes=1))
    proof_window: timedelta = Field(default=timedelta(minutes=10), gt=timedelta())
    """How long a log-in counts as fresh proof for what matters."""
    login_free_attempts: int = Field(default=5, ge=1)
    login_first_delay: timedelta = Field(default=timedelta(seconds=1), gt=timedelta())
    login_longest_delay: timedelta = Field(default=timedelta(minutes=15), gt=timedelta())
    discreet_registration: bool = True
    """Whether registration answers alike for addresses with and without an account."""
    audit_kept: timedelta = Field(default=timedelta(days=730), gt=timedelta())
    shop: str = "Storegraph"
    """The shop's name, in authenticator apps and passkeys."""
    origins: tuple[str, ...] = ("http://localhost:4000",)
    """Where the shop's pages are; the first one is where providers send browsers back to."""
    passkey_domain: str = "localhost"
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)

    def session_rules(self) -> SessionRules:
        """Give the rules of sessions."""
        return SessionRules(
            refresh_lifetime=self.refresh_token_lifetime,
            family_lifetime=self.session_lifetime,
            grace=self.refresh_grace,
            proof_window=self.proof_window,
        )

    def lockout_policy(self) -> LockoutPolicy:
        """Give the rules of the lockout."""
        return LockoutPolicy(
            free_attempts=self.login_free_attempts,
            first_delay=self.login_first_delay,
            longest_delay=self.login_longest_delay,
        )

    def rotation_rules(self) -> RotationRules:
        """Give the rules of signing keys."""
        return RotationRules(every=self.signing_key_lifetime, token_lifetime=self.access_token_lifetime)

    def relying_party(self) -> RelyingParty:
        """Say who we are to authenticators."""
        return RelyingParty(id=self.passkey_domain, name=self.shop, origins=self.origins)
