"""One process that serves the router until it is told to stop, and then ends what it has begun.

On the first SIGTERM or SIGINT `/health/ready` says no for a while, so that load balancers turn elsewhere; then the port
is closed and running requests end. A second signal ends them at once. SIGHUP makes the router read its files again.
"""

from __future__ import annotations

import asyncio
import gc
import math
import signal
import socket
from collections.abc import AsyncIterator, Hashable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Final

import uvicorn
import uvloop
from typing_extensions import override

from router.config import ServerSettings
from router.release import Release
from router.server.app import RouterApp
from router.server.generation import Generation, subgraph_addresses
from router.server.memory import keep_freed_memory
from router.server.protocol import Connections, RouterProtocol
from router.server.reachability import warn_of_unreachable
from router.server.reload import ReloadingRouter, Renew

# JSON makes many short-lived dicts and no cycles: looking for cycles every 700 of them is wasted work.
_COLLECT_EVERY: Final = 50_000


@asynccontextmanager
async def running_router(
    release: Release, *, renew: Renew | None = None, probe: bool = True
) -> AsyncIterator[ReloadingRouter]:
    """Make a router whose subgraphs are reached over HTTP, and close its connections in the end.

    Args:
        release: what is served first.
        renew: reads the release again when it has changed; without it, it stays.
        probe: whether to warn of subgraphs that do not answer now.
    """
    router = ReloadingRouter(Generation(release), renew)
    addresses = subgraph_addresses(release.supergraph, release.settings)
    probing = asyncio.create_task(warn_of_unreachable(addresses)) if probe else None
    try:
        yield router
    finally:
        if probing is not None:
            probing.cancel()
        await router.aclose()


def uvicorn_config(app: RouterApp | ReloadingRouter, settings: ServerSettings) -> uvicorn.Config:
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
        self, config: uvicorn.Config, app: ReloadingRouter, settings: ServerSettings, signals: Sequence[signal.Signals]
    ) -> None:
        super().__init__(config)
        app.under_way = self._requests
        self._app = app
        self._drain_seconds = settings.drain
        self._signals = signals

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in order on the first signal, at once on the second; SIGHUP makes the router read its files again."""
        loop = asyncio.get_running_loop()
        for number in self._signals:
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._app.reload_soon)
        try:
            yield
        finally:
            for number in (*self._signals, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Begin to stop, or stop at once if that has begun."""
        if self._app.draining:
            self.should_exit = self.force_exit = True
        self._app.draining = True
        asyncio.get_running_loop().call_later(self._drain_seconds, setattr, self, "should_exit", True)

    def _requests(self) -> frozenset[Hashable]:
        """Return what tells the requests that are being answered from all others."""
        connections = [each for each in self.server_state.connections if isinstance(each, RouterProtocol)]
        return frozenset((each, since) for each in connections if (since := each.busy_since) is not None)


def serve(
    app: AbstractAsyncContextManager[ReloadingRouter],
    listener: socket.socket,
    settings: ServerSettings,
    *,
    parent: int | None = None,
) -> None:
    """Serve until a signal comes, or the process at the other end of the pipe `parent` has gone."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the server listens to it; what is served was just read
    uvloop.run(_serve(app, listener, settings, parent))


async def _serve(
    app: AbstractAsyncContextManager[ReloadingRouter],
    listener: socket.socket,
    settings: ServerSettings,
    parent: int | None,
) -> None:
    keep_freed_memory()
    # What is there by now stays: out of the collector's sight, it does not slow down what follows a reload.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, 20, 50)
    async with app as router:
        config = uvicorn_config(router, settings)
        # Ctrl-C reaches every process of a terminal, but what it means for a worker the first process tells.
        signals = (signal.SIGINT, signal.SIGTERM) if parent is None else (signal.SIGTERM,)
        server = _DrainingServer(config, router, settings, signals)
        if parent is not None:
            asyncio.get_running_loop().add_reader(parent, server.stop)
        gc.collect()
        await server.serve(sockets=[listener])
