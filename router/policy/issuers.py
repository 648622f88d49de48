"""Several issuers of tokens, each with keys, audience and rights of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import jwt

from router.policy.identity import ANONYMOUS, Identity, InvalidTokenError, TokenVerifier, bearer_token
from router.policy.keys import KeySet, key_reader
from router.policy.token_settings import JwtSettings


class Verifier(Protocol):
    """Tells callers by their tokens."""

    def remembered(self, authorization: bytes | None) -> Identity | None:
        """Return the caller if that needs no work."""
        ...

    async def identify(self, authorization: bytes | None) -> Identity:
        """Return the caller that an authorization header stands for.

        Raises:
            IdentityError: the header is not good.
        """
        ...


class Issuers:
    """Tells callers by the tokens of several issuers: the one that a token names must have signed it.

    Args:
        verifiers: for each issuer what knows its tokens.
    """

    def __init__(self, verifiers: Iterable[TokenVerifier]) -> None:
        self._verifiers = {each.issuer: each for each in verifiers}

    def remembered(self, authorization: bytes | None) -> Identity | None:
        """Return the caller if that needs no work: there is no token, or it was verified before and is still good."""
        if authorization is None:
            return ANONYMOUS
        for each in self._verifiers.values():
            if (identity := each.remembered(authorization)) is not None:
                return identity
        return None

    async def identify(self, authorization: bytes | None) -> Identity:
        """Return the caller that an authorization header stands for.

        Raises:
            IdentityError: the header is not good.
        """
        if authorization is None:
            return ANONYMOUS
        try:
            claims = jwt.decode(bearer_token(authorization), options={"verify_signature": False})
        except jwt.PyJWTError as error:
            raise InvalidTokenError("the token is not valid") from error
        issuer = claims.get("iss")
        verifier = self._verifiers.get(issuer) if isinstance(issuer, str) else None
        if verifier is None:
            raise InvalidTokenError("the token is from an unknown issuer")
        return await verifier.identify(authorization)


def token_verifier(chosen: Iterable[JwtSettings]) -> Verifier | None:
    """Return what knows the tokens of some issuers; None where there are none."""
    verifiers = [
        TokenVerifier(
            KeySet(key_reader(each.jwks), refresh=each.refresh),
            issuer=each.issuer,
            audience=each.audience,
            algorithms=each.algorithms,
            leeway=each.leeway,
            roles=each.roles,
        )
        for each in chosen
    ]
    if not verifiers:
        return None
    return verifiers[0] if len(verifiers) == 1 else Issuers(verifiers)
