"""How subgraphs learn who the caller is: a short-lived token that this router signs, one for each caller and subgraph.

A token names the one subgraph it is meant for, so that a subgraph cannot use it against another. Signing is done ahead
for all subgraphs of the supergraph and kept, so that a caller's second request finds its headers ready.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

import jwt

from router.policy.identity import CallerFacts, Identity

SubgraphHeaders: TypeAlias = Mapping[str, tuple[tuple[str, str], ...]]

_ALGORITHM: Final = "HS256"
_CACHE_ENTRIES: Final = 10_000


class InternalTokenSigner:
    """Makes the `Authorization` header that each subgraph gets for a caller.

    Args:
        key: the secret shared with the subgraphs.
        subgraphs: their names, which are the audiences of the tokens.
        issuer: what the subgraphs expect as `iss`.
        lifetime: seconds a token is good for; one that is handed out has at least half of them left.
        clock: tells the time in seconds since 1970.
    """

    def __init__(
        self,
        key: str,
        *,
        subgraphs: Iterable[str],
        issuer: str = "storegraph-internal",
        lifetime: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key = key
        self._subgraphs = tuple(subgraphs)
        self._issuer = issuer
        self._lifetime = lifetime
        self._clock = clock
        self._signed: OrderedDict[CallerFacts, tuple[float, SubgraphHeaders]] = OrderedDict()

    def headers(self, identity: Identity) -> SubgraphHeaders:
        """Return the headers for this caller by subgraph."""
        now = self._clock()
        facts = identity.facts
        signed = self._signed.get(facts)
        if signed is None or signed[0] <= now:
            signed = (now + self._lifetime / 2, self._sign(identity, now))
            self._signed[facts] = signed
            self._signed.move_to_end(facts)
            if len(self._signed) > _CACHE_ENTRIES:
                self._signed.popitem(last=False)
        return signed[1]

    def _sign(self, identity: Identity, now: float) -> SubgraphHeaders:
        claims = {
            "iss": self._issuer,
            "iat": int(now),
            "exp": now + self._lifetime,
            "sub": identity.id or "",
            "kind": identity.kind,
            "roles": sorted(identity.roles),
            "scopes": sorted(identity.scopes),
            "email": identity.email or "",
            "sid": identity.session or "",
            "act": impersonator_of(identity) or "",
        }
        return {name: (("authorization", f"Bearer {self._token(claims, name)}"),) for name in self._subgraphs}

    def _token(self, claims: Mapping[str, object], audience: str) -> str:
        return jwt.encode({**claims, "aud": audience}, self._key, algorithm=_ALGORITHM)


def impersonator_of(identity: Identity) -> str | None:
    """Tell who acts in a caller's name, where it is not they themselves (the claim `act` of RFC 8693)."""
    acting = identity.claims.get("act")
    who = acting.get("sub") if isinstance(acting, Mapping) else None
    return who if isinstance(who, str) else None
