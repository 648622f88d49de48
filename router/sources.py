"""Reads what a person named on the command line: a supergraph, settings, any text.

A `CommandError` is one line for a person at a terminal. Exit codes: 0 done, 1 it cannot be done, 2 wrong use: a file
or a setting that cannot be used.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from router.composition import Composed, ComposeFailure, compose, load_subgraphs, read_config
from router.config import ConfigError, RouterSettings
from router.config_file import load_settings
from router.operations import lists
from router.release import Release, content_id
from router.rest import routes
from router.supergraph import Supergraph, SupergraphError, load_supergraph

FAILED: Final = 1
WRONG_USE: Final = 2
_COMPOSED: Final = (".yaml", ".yml")


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


def read_release(options: RouterOptions) -> Release:
    """Read all that a router serves, as the files are now.

    Raises:
        CommandError: the supergraph or the settings cannot be used.
    """
    began = time.time_ns()
    settings = read_settings(options)
    sdl, files = _sdl_and_files(options.supergraph)
    files = (*files, *_files_of(settings))
    if options.config is not None:
        files = (*files, options.config)
    return Release(
        supergraph=_supergraph(options.supergraph, sdl),
        settings=settings,
        supergraph_id=content_id(sdl),
        settings_id=content_id(read_text(options.config) if options.config else ""),
        files=files,
        read_at=began,
    )


def _files_of(settings: RouterSettings) -> tuple[Path, ...]:
    try:
        keys = settings.authentication.api_keys
        own = () if keys is None else (Path(keys.path),)
        return (*lists.watched_files(settings), *routes.watched_files(settings), *own)
    except ConfigError as error:
        raise CommandError(str(error), exit_code=WRONG_USE) from error


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
    return _supergraph(path, _sdl_and_files(path)[0])


def _supergraph(path: Path, sdl: str) -> Supergraph:
    try:
        return load_supergraph(sdl)
    except SupergraphError as error:
        raise CommandError(f"{path}: {_first_line(error)}", exit_code=WRONG_USE) from error


def _sdl_and_files(path: Path) -> tuple[str, tuple[Path, ...]]:
    if path.suffix not in _COMPOSED:
        return read_text(path), (path,)
    try:
        config = read_config(path)
        result = compose(load_subgraphs(config), latest_version=config.federation_version)
    except ComposeFailure as error:
        raise CommandError(_first_line(error), exit_code=WRONG_USE) from error
    if not isinstance(result, Composed):
        more = f" (and {len(result) - 1} more)" if len(result) > 1 else ""
        raise CommandError(f"{path} does not compose: {_first_line(result[0])}{more}; see `storegraph compose {path}`")
    return result.supergraph_sdl, tuple(config.files)


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
