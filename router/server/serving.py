"""One process that serves the router until it is told to stop, and then ends what it has begun.

On the first SIGTERM or SIGINT `/health/ready` says no for a while, so that load balancers turn elsewhere; then the port
is closed and running requests end. A second signal ends them at once.
"""

from __future__ import annotations

import asyncio
import gc
import math
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Final

import uvicorn
import uvloop
from typing_extensions import override

from router.config import RouterSettings, ServerSettings
from router.execution.engine import Engine
from router.execution.settings import EngineSettings
from router.execution.transports.http.address import parse_address
from router.execution.transports.http.network import HttpNetwork
from router.execution.transports.http.settings import HttpSettings
from router.policy.identity import TokenVerifier
from router.policy.internal_token import InternalTokenSigner
from router.policy.keys import KeySet, key_reader
from router.server.app import RouterApp, create_router_app
from router.server.protocol import Connections
from router.server.reachability import warn_of_unreachable
from router.supergraph import Supergraph

# JSON makes many short-lived dicts and no cycles: looking for cycles every 700 of them is wasted work.
_COLLECT_EVERY: Final = 50_000


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
    for name, url in addresses.items():
        try:
            parse_address(url)
        except ValueError as error:
            raise AddressError(f"subgraph '{name}': {error}; set subgraphs.{name}.url in the settings") from error
    return addresses


@asynccontextmanager
async def running_router(
    supergraph: Supergraph, settings: RouterSettings, *, probe: bool = True
) -> AsyncIterator[RouterApp]:
    """Make a router whose subgraphs are reached over HTTP, and close its connections in the end.

    Args:
        supergraph: what is served.
        settings: how.
        probe: whether to warn of subgraphs that do not answer now.
    """
    addresses = subgraph_addresses(supergraph, settings)
    http = HttpSettings(share=settings.sharing.fetches)
    # Requests are shared before their bodies are even parsed, so the engine need not look for equal ones again.
    execution = EngineSettings(
        introspection=settings.introspection,
        subgraph_timeout=settings.subgraph_timeout,
        share_requests=False,
        recall=settings.sharing.fetches,
    )
    async with HttpNetwork(addresses, http) as network:
        engine = Engine(supergraph, network.transports, execution)
        probing = asyncio.create_task(warn_of_unreachable(addresses)) if probe else None
        yield create_router_app(engine, settings, verifier=_verifier(settings), signer=_signer(settings, supergraph))
        if probing is not None:
            probing.cancel()


def _verifier(settings: RouterSettings) -> TokenVerifier | None:
    jwt = settings.authentication.jwt
    if jwt is None:
        return None
    keys = KeySet(key_reader(jwt.jwks), refresh=jwt.refresh)
    return TokenVerifier(keys, issuer=jwt.issuer, audience=jwt.audience, algorithms=jwt.algorithms, leeway=jwt.leeway)


def _signer(settings: RouterSettings, supergraph: Supergraph) -> InternalTokenSigner | None:
    token = settings.authentication.internal_token
    if token is None:
        return None
    return InternalTokenSigner(token.key, subgraphs=supergraph.subgraphs, issuer=token.issuer, lifetime=token.lifetime)


def uvicorn_config(app: RouterApp, settings: ServerSettings) -> uvicorn.Config:
    """Return how uvicorn is to serve a router, also for a program that runs uvicorn itself."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Connections(app, settings).protocol,  # pyrefly: ignore[bad-argument-type] - uvicorn only calls it
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=math.ceil(settings.keep_alive),
        timeout_graceful_shutdown=math.ceil(settings.drain_timeout),
    )


class _DrainingServer(uvicorn.Server):
    """uvicorn, with an orderly end in place of its own way with signals."""

    def __init__(
        self, config: uvicorn.Config, app: RouterApp, settings: ServerSettings, signals: Sequence[signal.Signals]
    ) -> None:
        super().__init__(config)
        self._app = app
        self._drain_seconds = settings.drain
        self._signals = signals

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in order on the first signal, at once on the second."""
        loop = asyncio.get_running_loop()
        for number in self._signals:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in self._signals:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Begin to stop, or stop at once if that has begun."""
        if self._app.draining:
            self.should_exit = self.force_exit = True
        self._app.draining = True
        asyncio.get_running_loop().call_later(self._drain_seconds, setattr, self, "should_exit", True)


def serve(
    app: AbstractAsyncContextManager[RouterApp],
    listener: socket.socket,
    settings: ServerSettings,
    *,
    parent: int | None = None,
) -> None:
    """Serve until a signal comes, or the process at the other end of the pipe `parent` has gone."""
    uvloop.run(_serve(app, listener, settings, parent))


async def _serve(
    app: AbstractAsyncContextManager[RouterApp], listener: socket.socket, settings: ServerSettings, parent: int | None
) -> None:
    async with app as router:
        config = uvicorn_config(router, settings)
        # Ctrl-C reaches every process of a terminal, but what it means for a worker the first process tells.
        signals = (signal.SIGINT, signal.SIGTERM) if parent is None else (signal.SIGTERM,)
        server = _DrainingServer(config, router, settings, signals)
        if parent is not None:
            asyncio.get_running_loop().add_reader(parent, server.stop)
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_EVERY, 20, 50)
        await server.serve(sockets=[listener])
