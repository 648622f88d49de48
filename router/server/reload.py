"""The router that lasts while what it serves is replaced.

A new release is built beside the one that serves, on a thread of its own, and has the operations that were used last
ready before it takes over. Taking over is the replacement of one attribute between two requests: each request is
answered from beginning to end by one generation, and costs nothing more than without all this. The old generation is
closed when the last request that it began has ended. A release that is of no use is told and forgotten.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Final

import structlog

from router.config import ConfigError, RouterSettings
from router.execution.warm_up import hot_operations, warm_up
from router.release import Release, WatchedFiles
from router.server.asgi import AsgiAdapter, Receive, Scope, Send
from router.server.exchange import Answer, HttpRequest
from router.server.generation import AddressError, Generation
from router.sources import CommandError
from router.traffic.calls import Call

_LOG: Final = structlog.get_logger("router.server")
_LOOK_SECONDS: Final = 0.05

Renew = Callable[[], Release]
"""Reads what is to be served, as it is now; a `CommandError` says why that cannot be."""


class ReloadingRouter:
    """Answers requests by the generation that serves now.

    Args:
        generation: the first one.
        renew: reads the release again; without it there is nothing to reload.
    """

    begin: Callable[[HttpRequest, Callable[[Answer], None]], Call | None]
    respond: Callable[[HttpRequest], Coroutine[Any, Any, Answer]]
    give_up: Callable[[HttpRequest], Answer]
    body_limit: int
    head_limit: int

    def __init__(self, generation: Generation, renew: Renew | None = None) -> None:
        self.under_way: Callable[[], frozenset[Hashable]] = frozenset
        """Returns what tells the requests that are being answered; the server that serves this router sets it."""
        self._renew = renew
        self._watched = None if renew is None else WatchedFiles(generation.release)
        self._draining = False
        self._reloading = asyncio.Lock()
        self._reloads: set[asyncio.Task[Any]] = set()
        self._retirements: set[asyncio.Task[Any]] = set()
        self._take_over(generation)
        self._asgi = AsgiAdapter(self, generation.release.settings.server.request_timeout)
        _begin(self._reloads, generation.warm_up_published())
        if self._watched is not None:
            _begin(self._reloads, self._watch(self._watched))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        await self._asgi.serve(scope, receive, send)

    @property
    def draining(self) -> bool:
        """Whether the router is about to end."""
        return self._draining

    @draining.setter
    def draining(self, value: bool) -> None:
        self._draining = self._generation.app.draining = value

    @property
    def release(self) -> Release:
        """What is served now."""
        return self._generation.release

    def close(self) -> None:
        """Put down what is in hand at the end."""
        self._generation.app.close()

    async def aclose(self) -> None:
        """Close all connections to subgraphs, after the requests that are left."""
        for task in self._reloads:
            task.cancel()
        await asyncio.gather(*self._reloads, *self._retirements, return_exceptions=True)
        await self._generation.close()
        await self._generation.let_go()

    def reload_soon(self) -> None:
        """Begin to reload, as on a signal."""
        _begin(self._reloads, self._reload_and_tell())

    async def reload(self) -> None:
        """Read the release again and serve it from now on.

        Raises:
            CommandError: it is of no use, and what was served before is served on.
        """
        if self._renew is None or self._draining:
            return
        async with self._reloading:
            begun = time.monotonic()
            old = self._generation
            new = await asyncio.to_thread(_next_generation, self._renew, old)
            ready = await _warm(new, old)
            self._take_over(new)
            _begin(self._retirements, self._retire(old, self.under_way()))
            self._tell(old.release, new.release, ready=ready, seconds=round(time.monotonic() - begun, 3))

    def _take_over(self, generation: Generation) -> None:
        """From here to the end there is no wait: no request sees one half of this."""
        app = generation.app
        app.draining = self._draining
        self._generation = generation
        self.begin, self.respond, self.give_up = app.begin, app.respond, app.give_up
        self.body_limit = app.body_limit
        self.head_limit = app.head_limit
        if self._watched is not None:
            self._watched.follow(generation.release)

    async def _retire(self, old: Generation, requests: frozenset[Hashable]) -> None:
        """Close a generation after the last of its requests."""
        await old.app.retire(self._generation.app)
        while requests:
            await asyncio.sleep(_LOOK_SECONDS)
            requests &= self.under_way()
        await old.close()
        await old.let_go(self._generation)
        del old
        gc.collect()  # a generation is full of cycles, and the collector hardly ever looks for old ones by itself

    async def _watch(self, files: WatchedFiles) -> None:
        while True:
            settings = self.release.settings.reload
            await asyncio.sleep(settings.interval)
            if settings.watch and files.have_changed():
                await self._reload_and_tell()

    async def _reload_and_tell(self) -> None:
        try:
            await self.reload()
        except CommandError as error:
            _LOG.error("reload refused, serving on as before", reason=str(error))
        except Exception:
            _LOG.exception("reload failed, serving on as before")

    def _tell(self, old: Release, new: Release, *, ready: int, seconds: float) -> None:
        _LOG.info(
            "reloaded", supergraph=new.supergraph_id, settings=new.settings_id, operations_ready=ready, seconds=seconds
        )
        if fixed := changed_for_nothing(old.settings, new.settings):
            _LOG.warning("these settings hold from the next start on", settings=fixed)


def _begin(tasks: set[asyncio.Task[Any]], work: Coroutine[Any, Any, Any]) -> None:
    """Begin a task that stands in `tasks` until it has ended."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def changed_for_nothing(old: RouterSettings, new: RouterSettings) -> list[str]:
    """Return the settings that differ and cannot be changed while the router runs."""
    before, after = old.server, new.server
    names = ("host", "port", "workers", "keep_alive", "request_timeout", "drain", "drain_timeout")
    changed = [f"server.{name}" for name in names if getattr(before, name) != getattr(after, name)]
    return changed + [
        f"telemetry.{name}"
        for name in ("log_format", "log_level")
        if getattr(old.telemetry, name) != getattr(new.telemetry, name)
    ]


def _next_generation(renew: Renew, before: Generation) -> Generation:
    try:
        return Generation(renew(), before)
    except (AddressError, ConfigError) as error:
        raise CommandError(str(error)) from error


async def _warm(new: Generation, old: Generation) -> int:
    """Have the operations ready that were published or that the old generation ran last; return how many are."""
    settings, ready = new.release.settings.reload, 0
    try:
        async with asyncio.timeout(settings.warm_up_timeout):
            ready += await new.warm_up_published()
            for hot in hot_operations(old.engine, settings.warm_up):
                ready += await warm_up(new.engine, hot)
    except TimeoutError:
        _LOG.warning("not all operations were ready in time", ready=ready)
    return ready
