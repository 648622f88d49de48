"""`storegraph operations`: the operations that clients have published, from the command line.

Each command imports what it needs when it runs, so that `--help` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

operations_app = typer.Typer(
    no_args_is_help=True, help="Publish, list, check and retire the operations that clients rely on."
)

Folder = Annotated[Path, typer.Option("--operations", "-o", help="The folder of published operations.")]
FOLDER = Path("operations")
ClientName = Annotated[str | None, typer.Option("--client", "-c", help="Whose operations; without it, those for all.")]
Schema = Annotated[
    Path, typer.Option("--schema", "-s", help="A supergraph, an API schema, or a supergraph.yaml to compose.")
]
UsageFile = Annotated[Path | None, typer.Option("--usage", "-u", help="What the router counted: its usage file.")]
Report = Annotated[Literal["text", "json"], typer.Option("--format", help="How to report: text or json.")]


@operations_app.command()
def publish(
    files: Annotated[list[Path], typer.Argument(help="Manifests in Apollo's format, or .graphql documents.")],
    *,
    client: ClientName = None,
    operations: Folder = FOLDER,
    schema: Annotated[Path | None, typer.Option("--schema", "-s", help="Refuse what is not valid on it.")] = None,
) -> None:
    """Add operations to a client's list. What is published already stays as it is.

    Examples:

        storegraph operations publish persisted-query-manifest.json --client web

        storegraph operations publish stock.graphql --client acme --schema schema/supergraph.graphql
    """
    from router.operations.command import run_publish  # noqa: PLC0415

    raise typer.Exit(run_publish(operations, client, files, schema))


@operations_app.command("list")
def list_(
    *,
    client: ClientName = None,
    operations: Folder = FOLDER,
    usage: UsageFile = None,
    report: Report = "text",
) -> None:
    """Show what is published, for whom, and how often who used it.

    Example:

        storegraph operations list --usage operations-usage.db
    """
    from router.operations.command import run_list  # noqa: PLC0415

    raise typer.Exit(run_list(operations, client, usage, report))


@operations_app.command()
def check(
    *,
    schema: Schema,
    operations: Folder = FOLDER,
    usage: UsageFile = None,
    report: Report = "text",
) -> None:
    """Validate every published operation on a schema before it goes live; exit 1 and name the clients it would break.

    Example:

        storegraph operations check --schema supergraph.yaml
    """
    from router.operations.command import run_check  # noqa: PLC0415

    raise typer.Exit(run_check(operations, schema, usage, report))


@operations_app.command()
def retire(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of the operations.")] = None,
    *,
    client: ClientName = None,
    operations: Folder = FOLDER,
    usage: UsageFile = None,
    days: Annotated[int, typer.Option(min=0, help="An operation used in so many days is kept.")] = 30,
    unused: Annotated[bool, typer.Option("--unused", help="Retire all that was not used in so many days.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Retire also what is in use.")] = False,
) -> None:
    """Take operations from a client's list; what is still in use stays, unless forced.

    Examples:

        storegraph operations retire 3f2a... --client web --usage operations-usage.db

        storegraph operations retire --unused --days 90 --client web --usage operations-usage.db
    """
    from router.operations.command import Retirement, run_retire  # noqa: PLC0415

    raise typer.Exit(run_retire(operations, Retirement(client, tuple(ids or ()), usage, days, unused, force)))


@operations_app.command("add-client")
def add_client(
    name: Annotated[str, typer.Argument(help="The name that the client sends with its requests.")],
    *,
    operations: Folder = FOLDER,
    contact: Annotated[str | None, typer.Option(help="Whom to tell before an operation breaks.")] = None,
) -> None:
    """Give a client a new API key and show it once; a key that it has stays good.

    Example:

        storegraph operations add-client acme --contact integrations@acme.example
    """
    from router.operations.command import run_add_client  # noqa: PLC0415

    raise typer.Exit(run_add_client(operations, name, contact))
