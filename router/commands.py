"""What `storegraph router` does; the command line only binds it.

A `CommandError` is one line for a person at a terminal. Exit codes: 0 done, 1 it cannot be done, 2 wrong use: a file
or a setting that cannot be used.
"""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from router.composition import Composed, ComposeFailure, compose, load_subgraphs, read_config
from router.config import ConfigError, RouterSettings, load_settings
from router.server.listening import ListenError, listen
from router.server.serving import AddressError, running_router, serve, subgraph_addresses
from router.server.workers import Workers
from router.supergraph import Supergraph, SupergraphError, load_supergraph
from router.telemetry.logs import configure_logs

FAILED: Final = 1
WRONG_USE: Final = 2


class CommandError(Exception):
    """A command that cannot go on; the message is one line that says what to do."""

    def __init__(self, message: str, *, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class RouterOptions:
    """What the command line of `router` asks for; None leaves the choice to the settings."""

    supergraph: Path
    config: Path | None = None
    host: str | None = None
    port: int | None = None
    workers: int | None = None


def run_router(options: RouterOptions) -> int:
    """Serve a supergraph until a signal comes.

    Raises:
        CommandError: the supergraph, the settings or the port cannot be used.
    """
    settings = read_settings(options)
    supergraph = read_supergraph(options.supergraph)
    server = settings.server
    try:
        subgraph_addresses(supergraph, settings)
        listeners = listen(server.host, server.port, server.workers)
    except AddressError as error:
        raise CommandError(f"{options.config or options.supergraph}: {error}", exit_code=WRONG_USE) from error
    except ListenError as error:
        raise CommandError(str(error)) from error
    configure_logs(settings.telemetry)
    _announce(listeners[0].getsockname()[1], supergraph, settings)
    if len(listeners) == 1:
        serve(running_router(supergraph, settings), listeners[0], server)
        return 0

    def work(listener: socket.socket, pipe: int) -> None:
        router = running_router(supergraph, settings, probe=listener is listeners[0])
        serve(router, listener, server, parent=pipe)

    return Workers(listeners, work).run()


def _announce(port: int, supergraph: Supergraph, settings: RouterSettings) -> None:
    host = f"[{settings.server.host}]" if ":" in settings.server.host else settings.server.host
    workers = "" if settings.server.workers == 1 else f", {settings.server.workers} workers"
    sys.stderr.write(
        f"router: http://{host}:{port}{settings.server.path} ({len(supergraph.subgraphs)} subgraphs{workers})\n"
    )
    sys.stderr.flush()


def read_settings(options: RouterOptions) -> RouterSettings:
    """Return the settings of a file, with what the command line says in place of theirs.

    Raises:
        CommandError: they cannot be used.
    """
    chosen = {"host": options.host, "port": options.port, "workers": options.workers}
    try:
        settings = load_settings(options.config)
        server = msgspec.structs.replace(
            settings.server, **{name: value for name, value in chosen.items() if value is not None}
        )
    except (ConfigError, ValueError) as error:
        raise CommandError(str(error), exit_code=WRONG_USE) from error
    return msgspec.structs.replace(settings, server=server)


def read_supergraph(path: Path) -> Supergraph:
    """Read a supergraph schema, or compose one from a `supergraph.yaml`.

    Raises:
        CommandError: it cannot be read, or is none.
    """
    text = _composed(path) if path.suffix in (".yaml", ".yml") else read_text(path)
    try:
        supergraph = load_supergraph(text)
    except SupergraphError as error:
        raise CommandError(f"{path}: {_first_line(error)}", exit_code=WRONG_USE) from error
    return supergraph


def _composed(path: Path) -> str:
    try:
        config = read_config(path)
        result = compose(load_subgraphs(config), latest_version=config.federation_version)
    except ComposeFailure as error:
        raise CommandError(_first_line(error), exit_code=WRONG_USE) from error
    if not isinstance(result, Composed):
        more = f" (and {len(result) - 1} more)" if len(result) > 1 else ""
        raise CommandError(f"{path} does not compose: {_first_line(result[0])}{more}; see `storegraph compose {path}`")
    return result.supergraph_sdl


def read_text(path: Path) -> str:
    """Read a file that a person named.

    Raises:
        CommandError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}", exit_code=WRONG_USE) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"cannot read {path}: it is not UTF-8 text", exit_code=WRONG_USE) from error


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
