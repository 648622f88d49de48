"""One release as it is served: connections to its subgraphs, an engine on them, and the application in front."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

from router.cache.store import Store
from router.config import RouterSettings
from router.execution.engine import Engine
from router.execution.settings import DocumentLimits, EngineSettings
from router.execution.transports.http.address import parse_address
from router.execution.transports.http.network import HttpNetwork
from router.execution.transports.http.settings import HttpSettings
from router.execution.transports.port import SubgraphTransport
from router.execution.transports.streams import CallbackInbox
from router.execution.warm_up import warm_up_documents
from router.plugins.hooks import overrides
from router.plugins.loading import load_plugins
from router.plugins.stages import PluggedEngine, plugged_streams, plugged_transports
from router.policy.gate import policy_gate
from router.policy.internal_token import InternalTokenSigner
from router.policy.issuers import Verifier, token_verifier
from router.policy.response_headers import Wanted, response_header_rules
from router.policy.signatures import request_signer
from router.release import Release
from router.server.app import Mount, create_router_app
from router.server.invalidation import InvalidationEndpoint
from router.server.streams.subgraphs import callback_door, callback_inbox, stream_transports
from router.server.ways import Transports, cached, redacted, seen
from router.supergraph import Supergraph
from router.telemetry.planning import PlanningWatch
from router.telemetry.sight import Sight, sight_of
from router.traffic.shaping import shaped


class AddressError(Exception):
    """It is not known where a subgraph is; the message is one line that says what to do."""


def subgraph_addresses(supergraph: Supergraph, settings: RouterSettings) -> dict[str, str]:
    """Return where each subgraph is: as the settings say, or else as the supergraph does.

    Raises:
        AddressError: the settings are for another supergraph, or an address is none.
    """
    if unknown := settings.subgraphs.keys() - supergraph.subgraphs.keys():
        known = ", ".join(sorted(supergraph.subgraphs))
        raise AddressError(f"the settings name subgraph '{min(unknown)}', but there are only: {known}")
    moved = {name: each.url for name, each in settings.subgraphs.items() if each.url is not None}
    addresses = {**supergraph.subgraphs, **moved}
    further = [(name, url) for name, each in settings.subgraphs.items() for url in each.urls]
    for name, url in (*addresses.items(), *further):
        try:
            parse_address(url)
        except ValueError as error:
            raise AddressError(f"subgraph '{name}': {error}; set subgraphs.{name}.url in the settings") from error
    return addresses


class Generation:
    """A router for one release.

    Args:
        release: what is served.
        before: the generation that this one takes over from, whose knowledge of tokens it keeps where it may.

    Raises:
        AddressError: it is not known where a subgraph is.
        ConfigError: a file that the settings name is of no use.
    """

    def __init__(self, release: Release, before: Generation | None = None) -> None:
        settings = release.settings
        self.release = release
        addresses = subgraph_addresses(release.supergraph, settings)
        self.sight = _sight(settings, before)
        response_headers = response_header_rules(settings.headers, release.supergraph.subgraphs)
        wanted = None if response_headers is None else response_headers.wants
        self.network = _network(addresses, settings, self.sight, wanted)
        self.store = _store(release, before, self.sight)
        self.inbox = _inbox(settings, before)
        self.plugins = load_plugins(settings.plugins)
        streams = plugged_streams(stream_transports(addresses, settings, self.inbox), self.plugins)
        asked = [each for each in self.plugins if overrides(each, "operation")]
        make_engine = partial(PluggedEngine, plugins=asked) if asked else Engine
        self.engine = make_engine(
            release.supergraph,
            self._ways(self.network.transports),
            _engine_settings(settings),
            streams=streams,
            gate=policy_gate(release.supergraph, settings),
            answer_headers=response_headers,
        )
        self.engine.watch_planning(PlanningWatch(self.sight, settings.telemetry.slow_plan, self.plugins))
        self.verifier = _verifier(settings, before)
        self.app = create_router_app(
            self.engine,
            settings,
            verifier=self.verifier,
            signer=_signer(settings, release.supergraph),
            mounts={**callback_door(self.inbox, settings), **_invalidation(self.store, settings)},
            uploading=self.engine.through(self._ways(self.network.uploading())) if settings.uploads.enabled else None,
            ids={"supergraph": release.supergraph_id, "settings": release.settings_id},
            sight=self.sight,
            plugins=self.plugins,
        )

    async def warm_up_published(self) -> int:
        """Have the operations ready that clients have published, if that is wanted; return how many are good."""
        if not self.release.settings.persisted_operations.warm_up:
            return 0
        return await warm_up_documents(self.engine, self.app.published_documents())

    async def close(self) -> None:
        """Close what leads to the subgraphs; what is under way fails."""
        self.app.close()
        await self.app.aclose()
        self.engine.close()
        await self.network.close()
        for plugin in self.plugins:
            await plugin.close()

    async def let_go(self, successor: Generation | None = None) -> None:
        """Close what may be taken over, unless a successor has done so."""
        if self.store is not None and (successor is None or successor.store is not self.store):
            await self.store.close()
        if successor is None or successor.sight is not self.sight:
            await asyncio.to_thread(self.sight.close)

    def _ways(self, transports: Transports) -> Transports:
        ways = cached(seen(transports, self.sight), self.release.supergraph, self.store)
        if self.release.settings.errors_are_redacted:
            ways = redacted(ways)
        return plugged_transports(ways, self.plugins)


def _network(
    addresses: Mapping[str, str], settings: RouterSettings, sight: Sight, wanted: Wanted | None
) -> HttpNetwork:
    traffic = settings.traffic

    def shape(name: str, transport: SubgraphTransport) -> SubgraphTransport:
        own = settings.subgraphs.get(name)
        chosen = traffic if own is None or own.traffic is None else own.traffic
        return shaped(transport, name, chosen, sight.metrics)

    return HttpNetwork(
        addresses,
        HttpSettings(
            max_connections=traffic.connections,
            max_response_bytes=traffic.response_bytes,
            share=settings.sharing.fetches,
            wanted=wanted,
        ),
        further={name: each.urls for name, each in settings.subgraphs.items()},
        shape=shape,
        sign=request_signer(settings.authentication.internal_token),
    )


def _engine_settings(settings: RouterSettings) -> EngineSettings:
    return EngineSettings(
        limits=DocumentLimits(tokens=settings.limits.max_tokens),
        introspection=settings.introspection_is_on,
        subgraph_timeout=settings.subgraph_timeout,
        # Requests are shared before their bodies are even parsed, so the engine need not look for equal ones again.
        share_requests=False,
        recall=settings.sharing.fetches,
        default_max_age=settings.caching.default_max_age if settings.caching.enabled else None,
        operation_timeouts=settings.traffic.operations,
    )


def _sight(settings: RouterSettings, before: Generation | None) -> Sight:
    if before is not None and before.release.settings.telemetry == settings.telemetry:
        return before.sight
    return sight_of(settings.telemetry)


def _store(release: Release, before: Generation | None, sight: Sight) -> Store | None:
    settings = release.settings.cache
    if not settings.enabled:
        return None
    kept = before is not None and before.release.supergraph_id == release.supergraph_id and before.sight is sight
    if before is not None and kept and before.release.settings.cache == settings:
        return before.store
    return Store(settings, sight.metrics)


def _invalidation(store: Store | None, settings: RouterSettings) -> dict[str, Mount]:
    wanted = settings.cache.invalidation
    return {} if store is None or wanted is None else {wanted.path: InvalidationEndpoint(store, wanted).answer}


def _inbox(settings: RouterSettings, before: Generation | None) -> CallbackInbox | None:
    """Return the inbox for calls of subgraphs: the one in use, for as long as it is to be found at the same place."""
    if before is not None and before.release.settings.subscriptions.callback == settings.subscriptions.callback:
        return before.inbox
    return callback_inbox(settings)


def _verifier(settings: RouterSettings, before: Generation | None) -> Verifier | None:
    issuers = settings.authentication.all_issuers
    if before is not None and before.release.settings.authentication.all_issuers == issuers:
        return before.verifier
    return token_verifier(issuers)


def _signer(settings: RouterSettings, supergraph: Supergraph) -> InternalTokenSigner | None:
    token = settings.authentication.internal_token
    if token is None:
        return None
    return InternalTokenSigner(token.key, subgraphs=supergraph.subgraphs, issuer=token.issuer, lifetime=token.lifetime)
