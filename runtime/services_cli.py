"""The commands of `storegraph services`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

services = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Install and run PostgreSQL, Redis, RabbitMQ and nginx on this machine, for services mode.",
)

_Folder = Annotated[
    Path, typer.Option("--data-dir", help="Folder of the servers' data.", envvar="STOREGRAPH_SERVICES_DIR")
]
_HERE = Path(".storegraph-services")


@services.command()
def install() -> None:
    """Install what the machine lacks from Debian's packages; needs root, and starts nothing.

    Example:

        sudo storegraph services install
    """
    from runtime.stack.backing_command import run_install  # noqa: PLC0415

    run_install()


@services.command()
def up(
    data_dir: _Folder = _HERE,
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
def down(data_dir: _Folder = _HERE) -> None:
    """Stop the servers in order; their data is kept.

    Example:

        storegraph services down
    """
    from runtime.stack.backing_command import run_down  # noqa: PLC0415

    run_down(data_dir)


@services.command()
def status(data_dir: _Folder = _HERE) -> None:
    """Tell which servers run and where their settings are; exit 3 if none run.

    Example:

        storegraph services status
    """
    from runtime.stack.backing_command import run_status  # noqa: PLC0415

    raise typer.Exit(run_status(data_dir))
