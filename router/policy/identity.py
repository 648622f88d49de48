"""Who sent a request: the bearer token of a client is verified here, once, for all subgraphs.

A request without a token is anonymous; one with a token that does not hold is refused, never taken for anonymous. What
was verified is remembered for as long as the token itself is good: the signature is checked once, not at each request.

IdentityError
├── MalformedCredentialsError   400 AUTH_ERROR   the header is no bearer token
├── InvalidTokenError           401 AUTH_ERROR   the token does not hold
├── ForgedRequestError          403 CSRF_PREVENTED   a browser's cookie came without the proof that its page sent it
└── IdentityUnavailableError    503 AUTH_UNAVAILABLE   the issuer's keys cannot be read
"""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeAlias

import jwt
import orjson

from router.policy.keys import KeySet, KeysUnavailableError

_LONGEST_TOKEN: Final = 8_192
_CACHE_ENTRIES: Final = 10_000
_BEARER: Final = b"bearer "
_PASSING: Final = frozenset({"exp", "iat", "nbf", "jti"})
"""Claims that differ between two tokens which say the same."""

SESSION_COOKIE: Final = b"__Host-storegraph-access"
"""The cookie in which browsers keep their access token; the prefix binds it to one host, to TLS and to the path `/`."""
CSRF_HEADER: Final = b"x-csrf-token"


class IdentityError(Exception):
    """The caller cannot be told; `status` and `code` say how that is answered."""

    status: ClassVar[int] = 401
    code: ClassVar[str] = "AUTH_ERROR"


class MalformedCredentialsError(IdentityError):
    """The authorization header does not hold a bearer token."""

    status = 400


class InvalidTokenError(IdentityError):
    """The token is forged, expired, meant for somebody else or from somebody unknown."""


class ForgedRequestError(IdentityError):
    """A token that belongs into a cookie came without the header that only the shop's own pages can send."""

    status = 403
    code = "CSRF_PREVENTED"


class IdentityUnavailableError(IdentityError):
    """Nobody can be told apart now, as the issuer's keys cannot be read."""

    status = 503
    code = "AUTH_UNAVAILABLE"


CallerFacts: TypeAlias = tuple[str | None, str, frozenset[str], frozenset[str], str | None, str | None, bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """A caller, as far as its token tells.

    Attributes:
        id: the `sub` of the token; None for the anonymous.
        kind: anonymous, customer, vendor, staff, admin or service.
        roles: what the caller is.
        scopes: what the caller may do.
        email: the caller's address, if the token tells it.
        session: the log-in that the token came from (`sid`), if the token tells it.
        claims: everything the token says.
        expires_at: when the token ends, in seconds since 1970.
        client: the program that asks, where an API key tells it.
        mark: tells what else the token claims from what others do, its times and number aside.
    """

    id: str | None
    kind: str
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    email: str | None = None
    session: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    expires_at: float = float("inf")
    client: str | None = None
    mark: bytes = b""

    @property
    def facts(self) -> CallerFacts:
        """Return what tells this caller from others, whichever token it came with."""
        return (self.id, self.kind, self.roles, self.scopes, self.email, self.session, self.mark)


ANONYMOUS: Final = Identity(id=None, kind="anonymous")

_KINDS_BY_ROLE: Final = {"admin": "admin", "staff": "staff", "support": "staff", "vendor": "vendor"}
"""What somebody with a role is, the first that fits."""


def kind_of(roles: frozenset[str]) -> str:
    """Return what somebody with these roles is."""
    return next((kind for role, kind in _KINDS_BY_ROLE.items() if role in roles), "customer")


def credentials(headers: Mapping[bytes, bytes]) -> bytes | None:
    """Return the credentials of a request: its authorization header, or else the token in its session cookie."""
    authorization = headers.get(b"authorization")
    if authorization is not None:
        return authorization
    cookies = headers.get(b"cookie")
    if cookies is None or SESSION_COOKIE not in cookies:
        return None
    pairs = (pair.strip().partition(b"=") for pair in cookies.split(b";"))
    return next((_BEARER + value for name, _, value in pairs if name == SESSION_COOKIE), None)


def insist_on_own_page(identity: Identity, headers: Mapping[bytes, bytes]) -> None:
    """Let a caller pass whose token needs no proof, or who brings it.

    A token made for a cookie carries the hash of a secret that the shop's own pages can read and foreign ones cannot.
    It needs that secret however it comes, so that a stolen cookie is no bearer token either.

    Raises:
        ForgedRequestError: the proof is missing or wrong.
    """
    expected = identity.claims.get("csrf")
    if expected is None:
        return
    digest = hashlib.sha256(headers.get(CSRF_HEADER, b"")).digest()
    if not hmac.compare_digest(urlsafe_b64encode(digest).rstrip(b"="), str(expected).encode()):
        raise ForgedRequestError("a request with a session cookie must carry its x-csrf-token")


class TokenVerifier:
    """Tells callers by JSON Web Tokens of one issuer.

    Args:
        keys: the issuer's keys.
        issuer: what `iss` must be.
        audience: what `aud` must hold.
        algorithms: the signatures that are accepted.
        leeway: seconds by which clocks may differ.
        roles: the roles that the issuer may give; None for all.
        clock: tells the time in seconds since 1970.
    """

    def __init__(
        self,
        keys: KeySet,
        *,
        issuer: str,
        audience: str,
        algorithms: Iterable[str] = ("EdDSA", "RS256"),
        leeway: float = 5.0,
        roles: Iterable[str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self.issuer = issuer
        self._roles = None if roles is None else frozenset(roles)
        self._audience = audience
        self._algorithms = frozenset(algorithms)
        self._leeway = leeway
        self._clock = clock
        self._verified: OrderedDict[bytes, Identity] = OrderedDict()

    def remembered(self, authorization: bytes | None) -> Identity | None:
        """Return the caller if that needs no work: there is no token, or it was verified before and is still good."""
        if authorization is None:
            return ANONYMOUS
        identity = self._verified.get(authorization)
        if identity is None or self._clock() >= identity.expires_at + self._leeway:
            return None
        return identity

    async def identify(self, authorization: bytes | None) -> Identity:
        """Return the caller that an authorization header stands for.

        Raises:
            IdentityError: the header is not good.
        """
        identity = self.remembered(authorization)
        if identity is None and authorization is not None:
            identity = await self._verify(bearer_token(authorization))
            self._remember(authorization, identity)
        return identity or ANONYMOUS

    def _remember(self, authorization: bytes, identity: Identity) -> None:
        self._verified[authorization] = identity
        self._verified.move_to_end(authorization)
        if len(self._verified) > _CACHE_ENTRIES:
            self._verified.popitem(last=False)

    async def _verify(self, token: str) -> Identity:
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key_for(header)
            claims = self._claims(token, header, key)
        except KeysUnavailableError as error:
            raise IdentityUnavailableError(str(error)) from error
        except jwt.ExpiredSignatureError as error:
            raise InvalidTokenError("the token has expired") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise InvalidTokenError("the token is not valid") from error
        return _identity(claims, self._roles)

    async def _key_for(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        algorithm = header.get("alg")
        if algorithm not in self._algorithms:
            raise InvalidTokenError("the token is not signed in a way that is accepted")
        key_id = header.get("kid")
        key = await self._keys.find(key_id if isinstance(key_id, str) else None)
        if key is None or key.algorithm_name != algorithm:
            raise InvalidTokenError("the token is signed with an unknown key")
        return key

    def _claims(self, token: str, header: Mapping[str, Any], key: jwt.PyJWK) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[header["alg"]],
            audience=self._audience,
            issuer=self.issuer,
            leeway=self._leeway,
            options={
                "require": ["exp", "iss", "aud", "sub"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        self._insist_on_time(claims)
        return claims

    def _insist_on_time(self, claims: Mapping[str, Any]) -> None:
        """Check the end and the beginning against this verifier's own clock."""
        now = self._clock()
        if now >= _instant(claims["exp"]) + self._leeway:
            raise jwt.ExpiredSignatureError
        for beginning in ("nbf", "iat"):
            if _instant(claims.get(beginning, 0)) > now + self._leeway:
                raise jwt.ImmatureSignatureError


def bearer_token(authorization: bytes) -> str:
    """Return the token of an authorization header.

    Raises:
        IdentityError: it holds none.
    """
    if authorization[: len(_BEARER)].lower() != _BEARER:
        raise MalformedCredentialsError("the authorization header must be 'Bearer' and a token")
    token = authorization[len(_BEARER) :].strip()
    if not token or len(token) > _LONGEST_TOKEN:
        raise InvalidTokenError("the token is empty or too long")
    try:
        return token.decode("ascii")
    except UnicodeDecodeError as error:
        raise InvalidTokenError("the token is not valid") from error


def _identity(claims: Mapping[str, Any], believed: frozenset[str] | None) -> Identity:
    roles = _words(claims.get("roles"))
    if believed is not None:
        roles &= believed
    email, session = claims.get("email"), claims.get("sid")
    return Identity(
        id=str(claims["sub"]),
        kind=kind_of(roles),
        roles=roles,
        scopes=_words(claims.get("scope", claims.get("scopes"))),
        email=email if isinstance(email, str) else None,
        session=session if isinstance(session, str) else None,
        claims=claims,
        expires_at=float(claims["exp"]),
        mark=_mark(claims),
    )


def _mark(claims: Mapping[str, Any]) -> bytes:
    """Return a digest of what a token claims, which is the same for the next token of the same log-in."""
    lasting = {name: value for name, value in claims.items() if name not in _PASSING}
    return hashlib.sha256(orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS)).digest()


def _instant(claim: object) -> float:
    """Read a point in time; only a finite number is one."""
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not math.isfinite(claim):
        raise ValueError("not a point in time")
    return float(claim)


def _words(claim: object) -> frozenset[str]:
    """Read a claim that is a list of texts, or one text of words with spaces between."""
    if isinstance(claim, str):
        return frozenset(claim.split())
    return frozenset(str(item) for item in claim) if isinstance(claim, list) else frozenset()
