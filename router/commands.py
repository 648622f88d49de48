"""What `storegraph router` does; the command line only binds it."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Final

import structlog

from router.config import ConfigError
from router.config_file import load_settings
from router.release import Release, WatchedFiles
from router.server.generation import AddressError, Generation, subgraph_addresses
from router.server.listening import ListenError, listen
from router.server.serving import running_router, serve
from router.server.workers import Workers
from router.sources import WRONG_USE, CommandError, RouterOptions, read_release
from router.telemetry.logs import configure_logs
from router.telemetry.sight import share_metrics_among_workers

_LOG: Final = structlog.get_logger("router")


def run_router(options: RouterOptions) -> int:
    """Serve a supergraph until a signal comes.

    Raises:
        CommandError: the supergraph, the settings or the port cannot be used.
    """
    release = _checked_release(options)
    server = release.settings.server
    try:
        listeners = listen(server.host, server.port, server.workers)
    except ListenError as error:
        raise CommandError(str(error)) from error
    configure_logs(release.settings.telemetry)
    _announce(listeners[0].getsockname()[1], release)
    if len(listeners) == 1:
        serve(running_router(release, renew=lambda: read_release(options)), listeners[0], server)
        return 0
    return _run_workers(options, release, listeners)


def validate_settings(config: Path, supergraph: Path | None) -> tuple[str, ...]:
    """Return all that is wrong with settings; with a supergraph, also with what they name and what they are for.

    Raises:
        CommandError: the supergraph itself cannot be used.
    """
    try:
        load_settings(config)
        if supergraph is not None:
            Generation(read_release(RouterOptions(supergraph, config)))
    except ConfigError as error:
        return error.problems
    except AddressError as error:
        return (f"{config}: {error}",)
    return ()


def _checked_release(options: RouterOptions) -> Release:
    release = read_release(options)
    try:
        subgraph_addresses(release.supergraph, release.settings)
    except AddressError as error:
        raise CommandError(f"{options.config or options.supergraph}: {error}", exit_code=WRONG_USE) from error
    return release


def _run_workers(options: RouterOptions, release: Release, listeners: list[socket.socket]) -> int:
    """Run one process for each socket."""
    latest = _Latest(options, release)
    if release.settings.telemetry.metrics is not None:
        share_metrics_among_workers()

    def work(listener: socket.socket, pipe: int) -> None:
        probe = listener is listeners[0]
        router = running_router(latest.release, renew=lambda: read_release(options), probe=probe)
        serve(router, listener, release.settings.server, parent=pipe)

    return Workers(listeners, work, latest.renew, release.settings.reload.interval).run()


class _Latest:
    """The last good release as the first process knows it: what a worker that is started now begins with."""

    def __init__(self, options: RouterOptions, release: Release) -> None:
        self.release = release
        self._options = options
        self._files = WatchedFiles(release)

    def renew(self, *, asked: bool) -> bool:
        """Read the files again if they changed or that was asked for; tell whether there is a good release.

        Workers look after the files themselves, and say what is wrong with them.
        """
        changed = self.release.settings.reload.watch and self._files.have_changed()
        if not (changed or asked):
            return False
        try:
            self.release = _checked_release(self._options)
        except CommandError as error:
            if asked:
                _LOG.error("reload refused, serving on as before", reason=str(error))
            return False
        self._files.follow(self.release)
        return True


def _announce(port: int, release: Release) -> None:
    settings = release.settings
    host = f"[{settings.server.host}]" if ":" in settings.server.host else settings.server.host
    workers = "" if settings.server.workers == 1 else f", {settings.server.workers} workers"
    sys.stderr.write(
        f"router: http://{host}:{port}{settings.server.path} ({len(release.supergraph.subgraphs)} subgraphs{workers})\n"
    )
    sys.stderr.flush()
