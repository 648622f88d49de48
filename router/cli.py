"""The router's command line, by itself (`python -m router.cli`) or as a part of `storegraph`.

Each command imports what it needs when it runs, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from router.operations.cli import operations_app

_PANEL: Final = "Router"

Report = Literal["text", "json"]
SupergraphFile = Annotated[
    Path, typer.Option("--supergraph", "-s", help="A supergraph schema, or a supergraph.yaml to compose one from.")
]

CompositionFile = Annotated[Path, typer.Option("--config", "-c", help="The subgraphs, in the format of rover.")]
SettingsFile = Annotated[Path | None, typer.Option("--config", "-c", help="Settings: a router.yaml.")]

_router = typer.Typer(rich_markup_mode="markdown", invoke_without_command=True)
"""`storegraph router`, and what else can be done with its settings."""


@_router.callback()
def router(
    context: typer.Context,
    *,
    supergraph: Annotated[
        Path | None,
        typer.Option("--supergraph", "-s", help="A supergraph schema, or a supergraph.yaml to compose one from."),
    ] = None,
    config: SettingsFile = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one. [default: 4000]")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that share the port. [default: 1]")] = None,
) -> None:
    """Serve a supergraph: any Apollo-compatible one, in front of subgraphs in any language.

    Examples:

        storegraph router --supergraph supergraph.graphql

        storegraph router --supergraph supergraph.yaml --port 8080 --workers 4

        storegraph router --supergraph supergraph.graphql --config router.yaml
    """
    if context.invoked_subcommand is not None:
        return
    from router.commands import run_router  # noqa: PLC0415
    from router.sources import CommandError, RouterOptions  # noqa: PLC0415

    if supergraph is None:
        raise typer.BadParameter("it is needed to serve anything", param_hint="--supergraph")
    try:
        code = run_router(RouterOptions(supergraph, config, host, port, workers))
    except CommandError as error:
        raise _failure(error, error.exit_code) from None
    raise typer.Exit(code)


@_router.command()
def validate(
    *,
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings to check.")] = Path("router.yaml"),
    supergraph: Annotated[
        Path | None, typer.Option("--supergraph", "-s", help="What they are for; then all they name is checked too.")
    ] = None,
) -> None:
    """Tell all that is wrong with settings, each problem with its file, line and key; exit 2 if there are any.

    Examples:

        storegraph router validate --config router.yaml

        storegraph router validate --config router.yaml --supergraph supergraph.graphql
    """
    from router.commands import validate_settings  # noqa: PLC0415
    from router.sources import CommandError  # noqa: PLC0415

    try:
        problems = validate_settings(config, supergraph)
    except CommandError as error:
        raise _failure(error, error.exit_code) from None
    if problems:
        sys.stderr.write("".join(f"{problem}\n" for problem in problems))
        raise typer.Exit(2)
    sys.stdout.write(f"{config}: good\n")


@_router.command()
def schema() -> None:
    """Print the JSON Schema of router.yaml, by which editors check and complete it.

    Example:

        storegraph router schema > router.schema.json
    """
    import json  # noqa: PLC0415

    from router.config_schema import settings_schema  # noqa: PLC0415

    sys.stdout.write(json.dumps(settings_schema(), indent=2) + "\n")


def compose(
    *,
    config: CompositionFile = Path("supergraph.yaml"),
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write, instead of standard output.")] = None,
    report: Annotated[Report, typer.Option("--format", help="How to report: text or json.")] = "text",
    watch: Annotated[bool, typer.Option("--watch", help="Compose again whenever a schema changes.")] = False,
) -> None:
    """Compose the schemas of subgraphs to the schema of a supergraph.

    Examples:

        storegraph compose --config supergraph.yaml --out supergraph.graphql

        storegraph compose --watch --out supergraph.graphql
    """
    from router.composition.command import run_compose  # noqa: PLC0415

    raise typer.Exit(run_compose(config, out, report, watch=watch))


def check(
    *,
    against: Annotated[Path, typer.Option(help="The schema in use: a supergraph or an API schema.")],
    config: CompositionFile = Path("supergraph.yaml"),
    report: Annotated[Report, typer.Option("--format", help="How to report: text or json.")] = "text",
) -> None:
    """Compose, and tell which changes against the schema in use would break clients; exit 1 if there are any.

    Example:

        storegraph check --config supergraph.yaml --against deployed.graphql
    """
    from router.composition.command import run_check  # noqa: PLC0415

    raise typer.Exit(run_check(config, against, report))


def plan(
    *,
    supergraph: SupergraphFile,
    query: Annotated[str, typer.Option("--query", "-q", help="The operation; @FILE reads a file, - standard input.")],
    operation: Annotated[str | None, typer.Option(help="Its name, where the document holds several.")] = None,
    variables: Annotated[str, typer.Option(help="Variables as JSON; those of @skip and @include matter.")] = "{}",
    stage: Annotated[str, typer.Option(help="normalise, graph, walk, tree, build, fetches, plan or code.")] = "plan",
    as_json: Annotated[bool, typer.Option("--json", help="The plan in Apollo's JSON format.")] = False,
    defer: Annotated[bool, typer.Option(help="Let @defer and @stream count, as for who takes parts.")] = False,
) -> None:
    """Show how an operation would be answered: which subgraph is asked for what, in what order, by which code.

    Examples:

        storegraph plan --supergraph supergraph.graphql --query '{ products { name } }'

        storegraph plan -s supergraph.graphql -q @checkout.graphql --stage code

        storegraph plan -s supergraph.graphql -q @checkout.graphql --json
    """
    from router.plan_command import PlanOptions, run_plan  # noqa: PLC0415
    from router.sources import CommandError  # noqa: PLC0415

    try:
        written = run_plan(PlanOptions(supergraph, query, operation, variables, stage, as_json, defer))
    except CommandError as error:
        raise _failure(error, error.exit_code) from None
    sys.stdout.write(written.rstrip() + "\n")


def _failure(error: Exception, code: int) -> typer.Exit:
    """Say in one line why a command ends."""
    sys.stderr.write(f"storegraph: {error}\n")
    return typer.Exit(code)


def add_router_commands(app: typer.Typer) -> None:
    """Add the router's commands to a command line."""
    app.add_typer(_router, name="router", rich_help_panel=_PANEL)
    for command in (compose, check, plan):
        app.command(rich_help_panel=_PANEL)(command)
    app.add_typer(operations_app, name="operations", rich_help_panel=_PANEL)


def command_line() -> typer.Typer:
    """Return the router's commands as a command line of their own."""
    app = typer.Typer(
        name="router",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        help="Compose, plan and serve Apollo Federation supergraphs.",
    )
    add_router_commands(app)
    return app


if __name__ == "__main__":
    command_line()()
