"""Settings of how callers are known, and how they are made known to subgraphs."""

from __future__ import annotations

from typing import Literal

from router.sections import Section, demand

Algorithm = Literal["EdDSA", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"]


class JwtSettings(Section, frozen=True):
    """Whose tokens are believed.

    Attributes:
        jwks: `http(s)://` or `file://` address, or the path of a file, of the issuer's key set.
        issuer: the `iss` that a token must carry.
        audience: the `aud` that a token must carry.
        algorithms: signatures that are accepted; none that a public key could forge is among them.
        leeway: seconds by which clocks may differ.
        refresh: seconds after which the key set is read again.
        roles: the roles that this issuer may give; all of them unless told otherwise.
    """

    jwks: str
    issuer: str
    audience: str
    algorithms: tuple[Algorithm, ...] = ("EdDSA", "RS256")
    leeway: float = 5.0
    refresh: float = 300.0
    roles: tuple[str, ...] | None = None


class ApiKeySettings(Section, frozen=True):
    """Partners, who are known by an API key.

    Attributes:
        path: the file that names them and the digests of their keys.
        header: in which a key comes.
    """

    path: str
    header: str = "x-api-key"


class RevocationSettings(Section, frozen=True):
    """Tokens that hold no more though their time has not come.

    Attributes:
        redis: `redis://` address of the store where they are told.
        key: of the sorted set there: `jti:…`, `sid:…` or `sub:…`, each with the second since 1970 when it can be
            forgotten.
        interval: seconds after which the set is read again.
    """

    redis: str
    key: str = "storegraph:revoked"
    interval: float = 1.0

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.interval >= 0.05, "interval must be at least 0.05")


class InternalTokenSettings(Section, frozen=True):
    """The token by which subgraphs know that a request comes from this router and for whom.

    Attributes:
        key: secret shared with the subgraphs, at least 32 bytes.
        issuer: the `iss` of the tokens.
        lifetime: seconds that a token is good for.
        sign: whether each request is signed besides (RFC 9421), so that a token that was overheard is worth nothing
            with another request, and a subgraph can refuse a request that came before.
    """

    key: str
    issuer: str = "storegraph-internal"
    lifetime: float = 60.0
    sign: bool = False

    def __post_init__(self) -> None:
        """Refuse a secret that could be guessed, and tokens that would be stale on arrival."""
        demand(len(self.key.encode()) >= 32, "key must have at least 32 bytes")
        demand(self.lifetime >= 5, "lifetime must be at least 5 seconds")


class AuthenticationSettings(Section, frozen=True):
    """How callers are known, and how they are made known to the subgraphs; neither happens unless set.

    Attributes:
        jwt: whose tokens are believed.
        issuers: whose tokens are believed besides.
        api_keys: partners, who have keys instead.
        revocation: where it is told which tokens hold no more.
        internal_token: the token that subgraphs get.
    """

    jwt: JwtSettings | None = None
    issuers: tuple[JwtSettings, ...] = ()
    api_keys: ApiKeySettings | None = None
    revocation: RevocationSettings | None = None
    internal_token: InternalTokenSettings | None = None

    def __post_init__(self) -> None:
        """Refuse issuers that cannot be told apart."""
        names = [each.issuer for each in self.all_issuers]
        demand(len(set(names)) == len(names), "issuers must be different from each other")

    @property
    def all_issuers(self) -> tuple[JwtSettings, ...]:
        """Everybody whose tokens are believed."""
        return self.issuers if self.jwt is None else (self.jwt, *self.issuers)
