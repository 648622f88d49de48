"""The router's settings: a typed tree, which `config_file` reads from `router.yaml`.

Every setting has a default that is safe for a router open to the public, so that a file is only needed to differ. The
attributes of each section, as its docstring tells them, are also what editors show from the published JSON Schema.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from router.cache_settings import CacheSettings
from router.http_settings import (
    AutomaticQueriesSettings,
    BatchingSettings,
    CachingSettings,
    CompressionSettings,
    PersistedOperationsSettings,
    RestSettings,
    UploadSettings,
)
from router.limits.settings import DemandSettings, LimitSettings
from router.plugin_settings import PluginSettings
from router.policy.header_settings import HeaderSettings
from router.policy.settings import AuthorizationSettings
from router.policy.token_settings import AuthenticationSettings
from router.rates.settings import RateSettings
from router.sections import Section, demand, is_pattern
from router.stream_settings import SubgraphStreamSettings, SubscriptionSettings
from router.telemetry_settings import ErrorSettings, TelemetrySettings
from router.traffic_settings import AllTrafficSettings, TrafficSettings


class ConfigError(Exception):
    """The settings cannot be used.

    Args:
        problems: all that is wrong, each a line that says where and what; the message is the first of them.
    """

    def __init__(self, *problems: str) -> None:
        more = f" (and {len(problems) - 1} more: see `storegraph router validate`)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}")
        self.problems = problems


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


class CorsSettings(Section, frozen=True):
    """Which other origins a browser may call the router from.

    Attributes:
        origins: the origins allowed, `*` for all; none by default.
        match_origins: regular expressions that allow the origins which they match as a whole.
        credentials: whether cookies and authorisation may be sent; not together with `*`.
        headers: request headers allowed; those asked for are, if the list is empty.
        expose: response headers that scripts may read.
        max_age: seconds that a browser may remember the answer.
        private_network: whether pages of the open network may call a router inside a private one.
    """

    origins: tuple[str, ...] = ()
    match_origins: tuple[str, ...] = ()
    credentials: bool = False
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ("x-request-id",)
    max_age: int = 7_200
    private_network: bool = False

    def __post_init__(self) -> None:
        """Refuse what browsers refuse, and what is no pattern."""
        demand(not (self.credentials and "*" in self.origins), "credentials cannot be allowed to origin *")
        for pattern in self.match_origins:
            demand(is_pattern(pattern), f"match_origins: '{pattern}' is no regular expression")


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


class ExplorerUser(Section, frozen=True):
    """Somebody whom a person at the explorer may ask as.

    Attributes:
        name: what the person chooses by.
        variables: what the log-in takes.
    """

    name: str
    variables: dict[str, Any] = msgspec.field(default_factory=dict)


class LogInSettings(Section, frozen=True):
    """How the explorer logs its users in; whoever sees the page sees their variables.

    Attributes:
        mutation: the operation that does it.
        token: where its answer holds the token, such as `userLogin.accessToken`.
        users: who there is to choose from.
    """

    mutation: str
    token: str
    users: tuple[ExplorerUser, ...]


class ExplorerSettings(Section, frozen=True):
    """The page for developers.

    Attributes:
        enabled: whether the page is served, and with it the plans of operations; by default, except in production.
        title: what stands at its top.
        samples: operations to begin with.
        log_in: demo users to ask as; their token goes along as a bearer token.
        samples_dir: a folder of `.graphql` files (variables in `.json` files of the same name), shown in order of name.
    """

    enabled: bool | None = None
    title: str = "Storegraph Router"
    samples: tuple[Sample, ...] = ()
    samples_dir: str | None = None
    log_in: LogInSettings | None = None


class SharingSettings(Section, frozen=True):
    """Work in flight that is done once for all who ask for the same.

    Attributes:
        requests: equal queries of equal callers get one answer.
        fetches: equal queries to a subgraph are sent once, and what follows from equal answers is worked out once.
    """

    requests: bool = True
    fetches: bool = True


class SubgraphSettings(Section, frozen=True):
    """What differs for one subgraph.

    Attributes:
        url: where it is, in place of the address in the supergraph.
        urls: further addresses where it is too; requests go where there is least to do, and not where they fail.
        traffic: what is done when it is slow, busy or broken, in place of `traffic` as a whole.
        subscription: how its subscriptions are reached, where that differs from `subscriptions.subgraphs`.
    """

    url: str | None = None
    urls: tuple[str, ...] = ()
    traffic: TrafficSettings | None = None
    subscription: SubgraphStreamSettings | None = None


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


class RouterSettings(Section, frozen=True):
    """All settings of a router.

    Attributes:
        environment: what the router runs in; in `production` what only developers need is off unless it is asked for.
        introspection: whether clients may ask for the schema; by default they may, except in production.
        landing_page: whether a person who opens the router's address is told what it is, where the explorer is off.
        subgraph_timeout: seconds that one request to a subgraph may take.
        plugins: Python code that is called at the stages of a request, in this order.
        subgraphs: what differs for single subgraphs, by name.
    """

    server: ServerSettings = msgspec.field(default_factory=ServerSettings)
    limits: LimitSettings = msgspec.field(default_factory=LimitSettings)
    demand_control: DemandSettings = msgspec.field(default_factory=DemandSettings)
    rate_limits: RateSettings = msgspec.field(default_factory=RateSettings)
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
    subscriptions: SubscriptionSettings = msgspec.field(default_factory=SubscriptionSettings)
    rest: RestSettings = msgspec.field(default_factory=RestSettings)
    authentication: AuthenticationSettings = msgspec.field(default_factory=AuthenticationSettings)
    authorization: AuthorizationSettings = msgspec.field(default_factory=AuthorizationSettings)
    telemetry: TelemetrySettings = msgspec.field(default_factory=TelemetrySettings)
    cache: CacheSettings = msgspec.field(default_factory=CacheSettings)
    errors: ErrorSettings = msgspec.field(default_factory=ErrorSettings)
    plugins: tuple[PluginSettings, ...] = ()
    traffic: AllTrafficSettings = msgspec.field(default_factory=AllTrafficSettings)
    reload: ReloadSettings = msgspec.field(default_factory=ReloadSettings)
    environment: Literal["development", "production"] = "development"
    introspection: bool | None = None
    landing_page: bool = True
    subgraph_timeout: float = 30.0
    subgraphs: dict[str, SubgraphSettings] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        called_back = self.subscriptions.callback is not None
        demand(
            not called_back or self.server.workers == 1,
            "subscriptions.callback needs server.workers to be 1, since a call must reach the worker that expects it",
        )
        chosen = [self.subscriptions.subgraphs, *(each.subscription for each in self.subgraphs.values())]
        demand(
            called_back or all(each is None or each.protocol != "callback" for each in chosen),
            "a subgraph's protocol is callback, but subscriptions.callback does not say where it is to call",
        )

    @property
    def introspection_is_on(self) -> bool:
        """Whether clients may ask for the schema."""
        return self._or_in_development(self.introspection)

    @property
    def explorer_is_on(self) -> bool:
        """Whether the explorer is served."""
        return self._or_in_development(self.explorer.enabled)

    @property
    def errors_are_redacted(self) -> bool:
        """Whether clients get no errors of subgraphs that were not written for them."""
        return not self._or_in_development(None) if self.errors.redact is None else self.errors.redact

    def _or_in_development(self, chosen: bool | None) -> bool:
        return self.environment == "development" if chosen is None else chosen
