"""The router in front of the shop in one process: its subgraphs are called, not sent to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from kernel.graphql.execution import Executor
from kernel.identity import Caller, Client
from kernel.settings import Settings
from router.cache.store import Store
from router.config import ExplorerSettings, ExplorerUser, LogInSettings, RouterSettings
from router.execution.engine import Engine
from router.execution.exchange import Headers
from router.execution.settings import EngineSettings
from router.execution.transports.in_process import InProcessTransport
from router.execution.transports.streams import InProcessStreams, SubgraphSubscriber
from router.http_settings import CachingSettings, PersistedOperationsSettings, RestSettings
from router.policy.gate import policy_gate
from router.policy.identity import Identity, TokenVerifier
from router.policy.internal_token import impersonator_of
from router.policy.keys import KeySet
from router.policy.token_settings import AuthenticationSettings, RevocationSettings
from router.server.app import RouterApp, create_router_app
from router.server.ways import cached, seen
from router.supergraph import load_supergraph
from router.telemetry.planning import PlanningWatch
from router.telemetry.sight import sight_of
from router.telemetry_settings import MetricsSettings, TelemetrySettings, TracesSettings
from runtime.demo_data import DemoUser
from runtime.mounting import mount
from runtime.shop import SUBGRAPHS, Shop
from subgraphs.users.app import key_set

ISSUER = "storegraph"
"""The `iss` and `aud` of the access tokens that the users subgraph hands out."""

SAMPLES = Path(__file__).parent / "samples"
"""Operations that the explorer opens with."""

ROUTES = Path(__file__).parent / "rest" / "routes.yaml"
"""The shop's REST API."""

MOUNTS = {
    "/auth/": "users",
    "/.well-known/": "users",
    "/webhooks/payments/": "payments",
    "/payments/sandbox/": "payments",
    "/webhooks/shipping/": "shipping",
    "/shipping/labels/": "shipping",
    "/media/": "products",
    **{f"/dead-letters/{name}/": name for name in SUBGRAPHS},
}
"""Which subgraph answers what is no GraphQL, by the beginning of its path."""

_KEYS_REFRESH = 300.0
_REVOKED_WITHIN = 0.2


def build_storefront(
    shop: Shop,
    supergraph_sdl: str,
    settings: Settings,
    users: Sequence[DemoUser] = (),
    *,
    store: Store | None = None,
) -> RouterApp:
    """Make the ASGI application that serves the shop.

    Args:
        shop: its subgraphs.
        supergraph_sdl: what they make together.
        settings: where things are.
        users: whom a person at the explorer may ask as.
        store: keeps what subgraphs have answered; without it, they are always asked.
    """
    supergraph = load_supergraph(supergraph_sdl)
    transports = {name: InProcessTransport(_call(subgraph.executor)) for name, subgraph in shop.subgraphs.items()}
    # The server shares equal requests from their first byte on, so the engine need not look for them again.
    streams = {name: InProcessStreams(_subscribe(subgraph.executor)) for name, subgraph in shop.subgraphs.items()}
    execution = EngineSettings(share_requests=False, default_max_age=0)
    keys = KeySet(lambda: key_set(settings), refresh=_KEYS_REFRESH)
    verifier = TokenVerifier(keys, issuer=ISSUER, audience=ISSUER)
    telemetry = _telemetry(settings)
    router_settings = RouterSettings(
        authentication=AuthenticationSettings(revocation=_revocation(settings)),
        explorer=ExplorerSettings(title="Storegraph", samples_dir=str(SAMPLES), log_in=_log_in(users)),
        caching=CachingSettings(enabled=True),
        persisted_operations=_published(settings),
        rest=RestSettings(routes=str(ROUTES)),
        telemetry=telemetry,
    )
    gate = policy_gate(supergraph, router_settings)
    sight = sight_of(telemetry)
    if store is not None:
        store.watcher = sight.metrics
    ways = cached(seen(transports, sight), supergraph, store)
    engine = Engine(supergraph, ways, execution, streams=streams, gate=gate)
    engine.watch_planning(PlanningWatch(sight, telemetry.slow_plan))
    shop.supergraph.connect(engine)
    key = settings.internal_key.get_secret_value()
    routes = {name: mount(shop.subgraphs[name].pages(key)) for name in sorted(set(MOUNTS.values()))}
    mounts = {beginning: routes[name] for beginning, name in MOUNTS.items()}
    return create_router_app(engine, router_settings, verifier=verifier, mounts=mounts, sight=sight)


def _revocation(settings: Settings) -> RevocationSettings | None:
    return RevocationSettings(redis=settings.redis_url, interval=_REVOKED_WITHIN) if settings.redis_url else None


def _telemetry(settings: Settings) -> TelemetrySettings:
    traces = TracesSettings(endpoint=settings.traces_url) if settings.traces_url else None
    metrics = MetricsSettings(port=settings.metrics_port) if settings.metrics_port else None
    return TelemetrySettings(access_log="none", traces=traces, metrics=metrics)


def _published(settings: Settings) -> PersistedOperationsSettings:
    """Serve what partners have published into the store's folder, and count who uses it."""
    folder = settings.data_dir / "operations"
    if not folder.is_dir():
        return PersistedOperationsSettings()
    return PersistedOperationsSettings(path=str(folder), usage=str(settings.data_dir / "operations-usage.db"))


def _log_in(users: Sequence[DemoUser]) -> LogInSettings | None:
    if not users:
        return None
    choices = [
        ExplorerUser(name=f"{each.email} ({each.role})", variables={"email": each.email, "password": each.password})
        for each in users
    ]
    mutation = (SAMPLES / "3-log-in.graphql").read_text(encoding="utf-8")
    return LogInSettings(mutation=mutation, token="userLogin.accessToken", users=tuple(choices))  # noqa: S106 - a path


def _call(executor: Executor) -> Callable[..., Awaitable[Mapping[str, Any]]]:
    """Present a subgraph's executor in the way the router calls it."""

    async def execute(
        query: str, variables: Mapping[str, Any], operation_name: str | None, *, headers: Headers, context: Any
    ) -> Mapping[str, Any]:
        known = dict(headers)
        result = await executor.execute(
            query,
            variables,
            operation_name,
            caller=_caller(context, known),
            correlation_id=known.get("x-request-id", ""),
            traceparent=known.get("traceparent", ""),
        )
        return result.to_builtins()

    return execute


def _subscribe(executor: Executor) -> SubgraphSubscriber:
    """Present a subgraph's executor in the way the router subscribes to it."""

    async def subscribe(
        query: str, variables: Mapping[str, Any], operation_name: str | None, *, headers: Headers, context: Any
    ) -> AsyncGenerator[Mapping[str, Any]]:
        known = dict(headers)
        events = executor.subscribe(
            query,
            variables,
            operation_name,
            caller=_caller(context, known),
            correlation_id=known.get("x-request-id", ""),
            traceparent=known.get("traceparent", ""),
        )
        async with aclosing(events):
            async for event in events:
                yield event.to_builtins()

    return subscribe


def _caller(identity: Identity | None, headers: Mapping[str, str]) -> Caller:
    """Tell a subgraph who asks, in its own terms; the same facts that an internal token would carry."""
    if identity is None or identity.id is None:
        return Caller(client=Client.of(headers))
    kind: Any = identity.kind
    return Caller(
        id=identity.id,
        kind=kind,
        roles=identity.roles,
        scopes=identity.scopes,
        email=identity.email,
        session=identity.session,
        impersonator=impersonator_of(identity),
        client=Client.of(headers),
    )
