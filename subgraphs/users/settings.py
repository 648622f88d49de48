"""Settings of the users subgraph: `STOREGRAPH_USERS_…`, or the table `[users]` of the file."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings
from subgraphs.users.domain.lockout import LockoutPolicy
from subgraphs.users.service.sessions import SessionRules


class UsersSettings(SubgraphSettings):
    """How passwords are hashed, how long tokens live, and which key signs them."""

    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_USERS_")

    bcrypt_rounds: int = Field(default=12, ge=4, le=16)
    password_threads: int = Field(default=max(1, min(4, os.cpu_count() or 1)), ge=1, le=64)
    signing_key: SecretStr | None = None
    """An Ed25519 private key as PEM text; without it the key lies in a file."""
    signing_key_file: Path | None = None
    """Where that file is; `keys/access-tokens.pem` in the data directory unless told."""
    access_token_lifetime: timedelta = Field(default=timedelta(minutes=15), gt=timedelta(), le=timedelta(hours=1))
    refresh_token_lifetime: timedelta = Field(default=timedelta(days=30), gt=timedelta())
    session_lifetime: timedelta = Field(default=timedelta(days=180), gt=timedelta())
    refresh_grace: timedelta = Field(default=timedelta(seconds=10), ge=timedelta(), le=timedelta(minutes=1))
    login_free_attempts: int = Field(default=5, ge=1)
    login_first_delay: timedelta = Field(default=timedelta(seconds=1), gt=timedelta())
    login_longest_delay: timedelta = Field(default=timedelta(minutes=15), gt=timedelta())

    def session_rules(self) -> SessionRules:
        """Give the rules of sessions."""
        return SessionRules(self.refresh_token_lifetime, self.session_lifetime, self.refresh_grace)

    def lockout_policy(self) -> LockoutPolicy:
        """Give the rules of the lockout."""
        return LockoutPolicy(
            free_attempts=self.login_free_attempts,
            first_delay=self.login_first_delay,
            longest_delay=self.login_longest_delay,
        )
