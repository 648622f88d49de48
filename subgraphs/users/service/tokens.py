"""Access tokens: short-lived signed statements of who somebody is, which the router checks by the public key set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import jwt

from kernel.clock import Clock
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.devices import Device
from subgraphs.users.domain.roles import scopes_of
from subgraphs.users.storage.keys import SigningKeys

ISSUER: Final = "storegraph"
AUDIENCE: Final = "storegraph"


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Signs access tokens with the key of the day."""

    keys: SigningKeys
    lifetime: timedelta
    clock: Clock

    @property
    def expires_in(self) -> int:
        """How many seconds a new token lives."""
        return int(self.lifetime.total_seconds())

    def issue(self, account: Account, device: Device, *, csrf: str | None = None) -> str:
        """Sign a token for an account; `sid` names the log-in that it belongs to.

        With the hash of a CSRF secret, it holds only beside that secret: such a token belongs into a cookie.
        """
        now = self.clock.now()
        key = self.keys.signing(now)
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": account.id,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": uuid4().hex,
            "sid": device.id,
            "auth_time": int(device.authenticated_at.timestamp()),
            "amr": sorted(device.methods),
            "email": account.email,
            "roles": sorted(account.roles),
            "scopes": sorted(scopes_of(account.roles)),
        }
        if csrf is not None:
            claims["csrf"] = csrf
        if device.impersonator_id is not None:
            claims["act"] = {"sub": device.impersonator_id}
        return jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": key.kid, "typ": "at+jwt"})

    def key_set(self) -> dict[str, Any]:
        """Give the public keys by which tokens are checked, as a JSON Web Key Set."""
        return {"keys": [key.public_jwk() for key in self.keys.published(self.clock.now())]}
