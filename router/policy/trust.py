"""How far a router trusts its clients and is trusted by its subgraphs, made from the settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from router.config import AuthenticationSettings
from router.policy.identity import TokenVerifier
from router.policy.internal_token import InternalTokenSigner
from router.policy.keys import KeyReader, KeySet, key_reader


@dataclass(frozen=True, slots=True)
class Trust:
    """Both sides of identity.

    Attributes:
        verifier: tells callers by their tokens; without one, tokens are not looked at and nobody is told apart.
        signer: makes the tokens by which subgraphs know the caller; without one, they get none.
    """

    verifier: TokenVerifier | None = None
    signer: InternalTokenSigner | None = None


NO_TRUST = Trust()


def establish_trust(
    settings: AuthenticationSettings, *, subgraphs: Iterable[str], read_keys: KeyReader | None = None
) -> Trust:
    """Make what the settings ask for.

    Args:
        settings: whose tokens are believed, and the secret shared with the subgraphs.
        subgraphs: the names of those that get tokens.
        read_keys: returns the issuer's key set, where the issuer lives in this process; else it is read from
            `settings.jwt.jwks`.
    """
    jwt, internal = settings.jwt, settings.internal_token
    verifier = signer = None
    if jwt is not None:
        verifier = TokenVerifier(
            KeySet(read_keys or key_reader(jwt.jwks), refresh=jwt.refresh),
            issuer=jwt.issuer,
            audience=jwt.audience,
            algorithms=jwt.algorithms,
            leeway=jwt.leeway,
        )
    if internal is not None:
        signer = InternalTokenSigner(
            internal.key, subgraphs=subgraphs, issuer=internal.issuer, lifetime=internal.lifetime
        )
    return Trust(verifier, signer)
