"""The router's settings: a typed tree, read from `router.yaml` with the environment filled in.

Every setting has a default that is safe for a router open to the public, so that a file is only needed to differ. What
is wrong with a file is told in one line with the path of the offending value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import yaml

from router.http_settings import (
    AutomaticQueriesSettings,
    BatchingSettings,
    CachingSettings,
    CompressionSettings,
    PersistedOperationsSettings,
    RestSettings,
    UploadSettings,
)
from router.sections import Section, demand

_PLACE: Final = re.compile(r"\$\{env\.([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class ConfigError(Exception):
    """The settings cannot be used; the message is one line that says where and why."""


class ServerSettings(Section, frozen=True):
    """Where and how clients are served.

    Attributes:
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        workers: processes that share the port.
        path: path of the GraphQL endpoint.
        profile: `spec` follows GraphQL over HTTP in media types and status codes; `apollo` answers `application/json`
            with the status codes of Apollo Router.
        request_timeout: seconds until a request is answered with 504.
        keep_alive: seconds that an idle connection is kept.
        drain: seconds that `/health/ready` says no before the port is closed, for load balancers to notice.
        drain_timeout: seconds that running requests get to end after that.
    """

    host: str = "127.0.0.1"
    port: int = msgspec.field(default=4000)
    workers: int = 1
    path: str = "/graphql"
    profile: Literal["spec", "apollo"] = "spec"
    request_timeout: float = 60.0
    keep_alive: float = 75.0
    drain: float = 0.0
    drain_timeout: float = 20.0

    def __post_init__(self) -> None:
        """Hold the values within what can be served."""
        demand(0 <= self.port <= 65_535, "port must be between 0 and 65535")
        demand(1 <= self.workers <= 512, "workers must be between 1 and 512")
        demand(self.path.startswith("/"), "path must begin with /")
        demand(self.request_timeout > 0, "request_timeout must be more than 0")


class LimitSettings(Section, frozen=True):
    """Bounds on one request.

    Attributes:
        body_bytes: size of a request body; more is answered with 413.
    """

    body_bytes: int = 2_000_000

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.body_bytes > 0, "body_bytes must be more than 0")


class CorsSettings(Section, frozen=True):
    """Which other origins a browser may call the router from.

    Attributes:
        origins: the origins allowed, `*` for all; none by default.
        credentials: whether cookies and authorisation may be sent; not together with `*`.
        headers: request headers allowed; those asked for are, if the list is empty.
        expose: response headers that scripts may read.
        max_age: seconds that a browser may remember the answer.
    """

    origins: tuple[str, ...] = ()
    credentials: bool = False
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ("x-request-id",)
    max_age: int = 7_200

    def __post_init__(self) -> None:
        """Refuse what browsers refuse."""
        demand(not (self.credentials and "*" in self.origins), "credentials cannot be allowed to origin *")


class CsrfSettings(Section, frozen=True):
    """Protection from requests that a foreign page makes a browser send without asking first.

    Attributes:
        enabled: whether such requests are refused.
        required_headers: any one of these shows that a browser asked first.
    """

    enabled: bool = True
    required_headers: tuple[str, ...] = (
        "apollo-require-preflight",
        "x-apollo-operation-name",
        "graphql-require-preflight",
    )


class Sample(Section, frozen=True):
    """An operation that the explorer shows in a tab of its own."""

    query: str
    variables: str = ""


class ExplorerSettings(Section, frozen=True):
    """The page for developers.

    Attributes:
        enabled: whether the page is served.
        title: what stands at its top.
        samples: operations to begin with.
        samples_dir: a folder of `.graphql` files (variables in `.json` files of the same name), shown in order of name.
    """

    enabled: bool = True
    title: str = "Storegraph Router"
    samples: tuple[Sample, ...] = ()
    samples_dir: str | None = None


class HeaderSettings(Section, frozen=True):
    """Which request headers of a client are passed on to the subgraphs, besides the request id and `traceparent`."""

    forward: tuple[str, ...] = ()


class SharingSettings(Section, frozen=True):
    """Work in flight that is done once for all who ask for the same.

    Attributes:
        requests: equal queries of equal callers get one answer.
        fetches: equal queries to a subgraph are sent once, and what follows from equal answers is worked out once.
    """

    requests: bool = True
    fetches: bool = True


class JwtSettings(Section, frozen=True):
    """Whose tokens are believed.

    Attributes:
        jwks: `http(s)://` or `file://` address, or the path of a file, of the issuer's key set.
        issuer: the `iss` that a token must carry.
        audience: the `aud` that a token must carry.
        algorithms: signatures that are accepted, of EdDSA and RS256.
        leeway: seconds by which clocks may differ.
        refresh: seconds after which the key set is read again.
    """

    jwks: str
    issuer: str
    audience: str
    algorithms: tuple[Literal["EdDSA", "RS256"], ...] = ("EdDSA", "RS256")
    leeway: float = 5.0
    refresh: float = 300.0


class InternalTokenSettings(Section, frozen=True):
    """The token by which subgraphs know that a request comes from this router and for whom.

    Attributes:
        key: secret shared with the subgraphs, at least 32 bytes.
        issuer: the `iss` of the tokens.
        lifetime: seconds that a token is good for.
    """

    key: str
    issuer: str = "storegraph-internal"
    lifetime: float = 60.0

    def __post_init__(self) -> None:
        """Refuse a secret that could be guessed, and tokens that would be stale on arrival."""
        demand(len(self.key.encode()) >= 32, "key must have at least 32 bytes")
        demand(self.lifetime >= 5, "lifetime must be at least 5 seconds")


class AuthenticationSettings(Section, frozen=True):
    """How callers are known, and how they are made known to the subgraphs; neither happens unless set."""

    jwt: JwtSettings | None = None
    internal_token: InternalTokenSettings | None = None


class SubgraphSettings(Section, frozen=True):
    """What differs for one subgraph.

    Attributes:
        url: where it is, in place of the address in the supergraph.
    """

    url: str | None = None


class ReloadSettings(Section, frozen=True):
    """How changed files are taken over while the router runs; SIGHUP always makes it read them again.

    Attributes:
        watch: whether the files are looked at for changes.
        interval: seconds between two looks.
        warm_up: how many of the operations used last are made ready before a new supergraph or new settings take over.
        warm_up_timeout: seconds after which they take over even if not all of these are ready.
    """

    watch: bool = True
    interval: float = 0.5
    warm_up: int = 200
    warm_up_timeout: float = 20.0

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.interval >= 0.05, "interval must be at least 0.05")
        demand(self.warm_up >= 0, "warm_up must not be negative")


class TelemetrySettings(Section, frozen=True):
    """What is written about requests.

    Attributes:
        log_format: `json` for machines, `console` for people, `auto` for what fits the terminal.
        log_level: the least that is written.
        access_log: a line for `all` requests, for those that end in `failures`, or for `none`.
    """

    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    access_log: Literal["none", "failures", "all"] = "failures"


class RouterSettings(Section, frozen=True):
    """All settings of a router.

    Attributes:
        introspection: whether clients may ask for the schema.
        subgraph_timeout: seconds that one request to a subgraph may take.
        subgraphs: what differs for single subgraphs, by name.
    """

    server: ServerSettings = msgspec.field(default_factory=ServerSettings)
    limits: LimitSettings = msgspec.field(default_factory=LimitSettings)
    cors: CorsSettings = msgspec.field(default_factory=CorsSettings)
    csrf: CsrfSettings = msgspec.field(default_factory=CsrfSettings)
    explorer: ExplorerSettings = msgspec.field(default_factory=ExplorerSettings)
    headers: HeaderSettings = msgspec.field(default_factory=HeaderSettings)
    sharing: SharingSettings = msgspec.field(default_factory=SharingSettings)
    batching: BatchingSettings = msgspec.field(default_factory=BatchingSettings)
    uploads: UploadSettings = msgspec.field(default_factory=UploadSettings)
    compression: CompressionSettings = msgspec.field(default_factory=CompressionSettings)
    caching: CachingSettings = msgspec.field(default_factory=CachingSettings)
    apq: AutomaticQueriesSettings = msgspec.field(default_factory=AutomaticQueriesSettings)
    persisted_operations: PersistedOperationsSettings = msgspec.field(default_factory=PersistedOperationsSettings)
    rest: RestSettings = msgspec.field(default_factory=RestSettings)
    authentication: AuthenticationSettings = msgspec.field(default_factory=AuthenticationSettings)
    telemetry: TelemetrySettings = msgspec.field(default_factory=TelemetrySettings)
    reload: ReloadSettings = msgspec.field(default_factory=ReloadSettings)
    introspection: bool = True
    subgraph_timeout: float = 30.0
    subgraphs: dict[str, SubgraphSettings] = msgspec.field(default_factory=dict)


def expand(value: Any, environment: Mapping[str, str]) -> Any:
    """Fill `${env.NAME}` and `${env.NAME:-default}` in every text of a settings tree."""
    if isinstance(value, dict):
        return {key: expand(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, environment) for item in value]
    if not isinstance(value, str):
        return value
    return _PLACE.sub(lambda found: _variable(found[1], found[2], environment), value)


def _variable(name: str, default: str | None, environment: Mapping[str, str]) -> str:
    value = environment.get(name, default)
    if value is None:
        raise ConfigError(f"${{env.{name}}} is used, but the environment variable {name} is not set")
    return value


def parse_settings(text: str, *, environment: Mapping[str, str] | None = None) -> RouterSettings:
    """Read settings from YAML text.

    Raises:
        ConfigError: the text is not YAML, or a value is missing, misspelt or of the wrong kind.
    """
    try:
        tree = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ConfigError(f"{place}{error.problem or 'not YAML'}") from error
    expanded = expand({} if tree is None else tree, os.environ if environment is None else environment)
    try:
        return msgspec.convert(expanded, RouterSettings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error).replace(" - at `$", " at `").replace("at `.", "at `")) from error


def load_settings(path: Path | None) -> RouterSettings:
    """Read settings from a file, or take the defaults where there is none.

    Raises:
        ConfigError: the file cannot be read, or not be understood.
    """
    if path is None:
        return RouterSettings()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"cannot read {path}: {reason}") from error
    try:
        return parse_settings(text)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
