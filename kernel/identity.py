"""Who is asking, and how one process of ours tells another so.

The router (or a subgraph that calls another) signs a short-lived token that names the caller and the one
subgraph it is meant for. Signing and checking are cached, so a busy caller costs one signature per lifetime.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import jwt

from kernel.cache import LRU
from kernel.errors import ForbiddenError, UnauthenticatedError

Kind = Literal["anonymous", "customer", "vendor", "staff", "admin", "service"]

_KINDS: Final = frozenset(get_args(Kind))
_ISSUER: Final = "storegraph-internal"
_ALGORITHM: Final = "HS256"


@dataclass(frozen=True, slots=True)
class Client:
    """The program and the network address that a request came from, as far as they are told."""

    address: str = ""
    agent: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Client:
        """Read what the router notes about its client."""
        return cls(headers.get("x-client-address", ""), headers.get("x-client-agent", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The person, partner or service on whose behalf something is done."""

    id: str | None = None
    kind: Kind = "anonymous"
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    email: str | None = None
    session: str | None = None
    """The log-in that this person is using, where they came by one."""
    impersonator: str | None = None
    """Who of the shop acts in this person's name, if it is not they themselves."""
    client: Client = field(default=Client(), compare=False)

    @classmethod
    def service(cls, name: str) -> Caller:
        """Name one of our own subgraphs as the caller."""
        return cls(id=name, kind="service")

    @property
    def authenticated(self) -> bool:
        """Whether it is known who this is."""
        return self.kind != "anonymous" and self.id is not None

    @property
    def author(self) -> str:
        """Name who did something, for timelines and logs."""
        who = self.id or "guest"
        return who if self.impersonator is None else f"{self.impersonator} for {who}"

    @property
    def is_service(self) -> bool:
        """Whether this is one of our own subgraphs."""
        return self.kind == "service"

    @property
    def works_here(self) -> bool:
        """Whether this is somebody of the staff, or an administrator."""
        return self.kind in {"staff", "admin"}

    def has_any_role(self, roles: Collection[str]) -> bool:
        """Tell whether the caller has one of these roles; an administrator has all of them.

        Everybody who works here is of the kind `staff`, the support and the warehouse too: of them the role counts.
        """
        if self.kind == "admin" or not self.roles.isdisjoint(roles):
            return True
        return self.kind != "staff" and self.kind in roles


ANONYMOUS: Final = Caller()
"""Nobody in particular."""


def require(
    caller: Caller,
    *,
    kinds: Collection[Kind] = (),
    roles: Collection[str] = (),
    scopes: Collection[str] = (),
) -> str:
    """Let the caller pass, or refuse; give the caller's id.

    Args:
        caller: who asks.
        kinds: one of these kinds is needed, where any are given.
        roles: one of these roles is needed, where any are given.
        scopes: all of these scopes are needed.

    Raises:
        UnauthenticatedError: it is not known who asks.
        ForbiddenError: it is known, and they may not.
    """
    if not caller.authenticated or caller.id is None:
        raise UnauthenticatedError("Log in first.")
    if kinds and caller.kind not in kinds:
        raise ForbiddenError("This is not for you.")
    if roles and not caller.has_any_role(roles):
        raise ForbiddenError("You lack the role that this needs.")
    if not caller.scopes.issuperset(scopes):
        raise ForbiddenError("You lack the scope that this needs.")
    return caller.id


def require_service(caller: Caller) -> str:
    """Let only our own subgraphs pass; give the name of the one that asks."""
    return require(caller, kinds={"service"})


def require_owner(caller: Caller, owner_id: str | None) -> None:
    """Let pass who owns the thing, our staff, and our services."""
    who = require(caller)
    if not (caller.works_here or caller.is_service or who == owner_id):
        raise ForbiddenError("This belongs to somebody else.")


def refuse_impersonation(caller: Caller) -> None:
    """Let only the person themselves pass, and nobody who acts in their name."""
    if caller.impersonator is not None:
        raise ForbiddenError("Nobody does this in somebody else's name.")


class InternalTokenSigner:
    """Makes the tokens that carry a caller's identity to a subgraph."""

    def __init__(
        self, key: str, *, lifetime: float = 60.0, cache_size: int = 10_000, now: Callable[[], float] = time.time
    ) -> None:
        self.key = key
        """The secret that the subgraphs share."""
        self._lifetime = lifetime
        self._now = now
        self._cache: LRU[tuple[Caller, str], tuple[float, str]] = LRU(cache_size)

    def sign(self, caller: Caller, audience: str) -> str:
        """Give a token for this caller at this subgraph; the same one while at least half its life is left."""
        now = self._now()
        cached = self._cache.get((caller, audience))
        if cached is not None and cached[0] - now > self._lifetime / 2:
            return cached[1]
        expires = now + self._lifetime
        token = jwt.encode(_claims(caller, audience, now, expires), self.key, algorithm=_ALGORITHM)
        self._cache.put((caller, audience), (expires, token))
        return token


class InternalTokenVerifier:
    """Reads such tokens in the one subgraph they are meant for."""

    def __init__(
        self, key: str, *, audience: str, cache_size: int = 10_000, now: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._audience = audience
        self._now = now
        self._cache: LRU[str, tuple[float, Caller]] = LRU(cache_size)

    def verify(self, token: str) -> Caller:
        """Tell who the caller is.

        Raises:
            UnauthenticatedError: the token is missing, forged, expired or meant for another subgraph.
        """
        cached = self._cache.get(token)
        if cached is None:
            cached = self._decode(token)
            self._cache.put(token, cached)
        if cached[0] <= self._now():
            raise UnauthenticatedError("The internal token has expired.")
        return cached[1]

    def verify_header(self, authorization: str | None) -> Caller:
        """Tell who the caller is from an `Authorization` header."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError("An internal token is needed.")
        return self.verify(token.strip())

    def _decode(self, token: str) -> tuple[float, Caller]:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=self._audience,
                issuer=_ISSUER,
                options={"require": ["exp", "iss", "aud", "kind"], "verify_exp": False, "verify_iat": False},
            )
            return float(claims["exp"]), _caller(claims)
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            raise UnauthenticatedError("The internal token is not valid.") from None


def _claims(caller: Caller, audience: str, now: float, expires: float) -> dict[str, Any]:
    return {
        "iss": _ISSUER,
        "aud": audience,
        "iat": int(now),
        "exp": expires,
        "sub": caller.id or "",
        "kind": caller.kind,
        "roles": sorted(caller.roles),
        "scopes": sorted(caller.scopes),
        "email": caller.email or "",
        "sid": caller.session or "",
        "act": caller.impersonator or "",
    }


def _caller(claims: dict[str, Any]) -> Caller:
    if claims["kind"] not in _KINDS:
        raise ValueError("unknown kind of caller")
    return Caller(
        id=claims["sub"] or None,
        kind=claims["kind"],
        roles=frozenset(claims["roles"]),
        scopes=frozenset(claims["scopes"]),
        email=claims["email"] or None,
        session=claims.get("sid") or None,
        impersonator=claims.get("act") or None,
    )
