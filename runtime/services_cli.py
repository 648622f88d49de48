"""The commands of `storegraph services`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runtime.cli_options import DEFAULT_SERVICES_DIR, SERVICES_DIR_VARIABLE

services = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Install and run PostgreSQL, Redis, RabbitMQ, Elasticsearch and nginx on this machine, for services mode.",
)

_Folder = Annotated[Path, typer.Option("--data-dir", help="Folder of the servers' data.", envvar=SERVICES_DIR_VARIABLE)]


@services.command()
def install() -> None:
    """Install what the machine lacks from Debian's packages and Maven Central; needs root, and starts nothing.

    Example:

        sudo storegraph services install
    """
    from runtime.stack.backing_command import run_install  # noqa: PLC0415

    run_install()


@services.command()
def up(
    data_dir: _Folder = DEFAULT_SERVICES_DIR,
    detach: Annotated[bool, typer.Option("--detach", help="Return when they are ready, and let them run.")] = False,
) -> None:
    """Run the servers on ports of their own on loopback; one that ends is started again.

    Examples:

        storegraph services up

        storegraph services up --detach
    """
    from runtime.stack.backing_command import run_up  # noqa: PLC0415

    run_up(data_dir, detach=detach)


@services.command()
def down(data_dir: _Folder = DEFAULT_SERVICES_DIR) -> None:
    """Stop the servers in order; their data is kept.

    Example:

        storegraph services down
    """
    from runtime.stack.backing_command import run_down  # noqa: PLC0415

    run_down(data_dir)


@services.command()
def status(data_dir: _Folder = DEFAULT_SERVICES_DIR) -> None:
    """Tell which servers run and where their settings are; exit 3 if none run.

    Example:

        storegraph services status
    """
    from runtime.stack.backing_command import run_status  # noqa: PLC0415

    raise typer.Exit(run_status(data_dir))
