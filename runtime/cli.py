"""The `storegraph` command: the shop's commands here, the router's from `router.cli`.

Each command imports what it needs when it runs, so that `--help` answers at once. A `StartError` is one line on
standard error and an exit code; a traceback means a bug.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kernel.settings import SettingsError
from router.cli import add_router_commands
from runtime.cli_options import DEFAULT_DATA_DIR, DEFAULT_SERVICES_DIR, SERVICES_DIR_VARIABLE, DataDir
from runtime.errors import StartError
from runtime.events_cli import events
from runtime.payments_cli import payments
from runtime.products_cli import products
from runtime.saga_cli import saga
from runtime.services_cli import services
from runtime.tokens_cli import tokens

app = typer.Typer(
    name="storegraph",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="A store behind one GraphQL endpoint, and the federation router that serves it.",
)
add_router_commands(app)

inventory = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Prove and rebuild the stock's books.")
app.add_typer(inventory, name="inventory", rich_help_panel="Shop")
app.add_typer(events, name="events", rich_help_panel="Shop")
app.add_typer(payments, name="payments", rich_help_panel="Shop")
app.add_typer(products, name="products", rich_help_panel="Shop")
app.add_typer(saga, name="saga", rich_help_panel="Shop")
app.add_typer(tokens, name="tokens", rich_help_panel="Shop")
app.add_typer(services, name="services", rich_help_panel="Services")

recommendations = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Judge what is recommended.")
app.add_typer(recommendations, name="recommendations", rich_help_panel="Shop")

SERVICES_DIR = Path(os.environ.get(SERVICES_DIR_VARIABLE, DEFAULT_SERVICES_DIR))


class Mode(StrEnum):
    """How the parts of a store run."""

    EMBEDDED = "embedded"
    SERVICES = "services"


SubgraphName = Annotated[str, typer.Argument(help="products, inventory, orders, users, payments, ...")]
Url = Annotated[str, typer.Option(help="The GraphQL endpoint of a running store.")]


@app.command(rich_help_panel="Shop")
def up(  # noqa: PLR0917 - options, given by name
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the GraphQL endpoint.")] = 4000,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 opens the store to the network.")
    ] = "127.0.0.1",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    reset: Annotated[bool, typer.Option("--reset", help="Delete the data first and load fresh demo data.")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Start without demo data.")] = False,
    mode: Annotated[Mode, typer.Option(help="One process, or one for each part on `storegraph services`.")] = (
        Mode.EMBEDDED
    ),
    routers: Annotated[int, typer.Option(min=1, max=16, help="In services mode: routers behind nginx.")] = 2,
) -> None:
    """Run the whole store: its database, its eight subgraphs and the router.

    Examples:

        storegraph up

        storegraph up --port 4001 --data-dir /var/tmp/second-store

        storegraph up --reset

        storegraph services up --detach && storegraph up --mode services
    """
    if mode is Mode.SERVICES:
        from runtime.stack.up import ServicesUpOptions, run_services  # noqa: PLC0415

        run_services(ServicesUpOptions(host=host, port=port, services=SERVICES_DIR, empty=empty, routers=routers))
        return
    from runtime.up import UpOptions, run  # noqa: PLC0415

    run(UpOptions(host=host, port=port, data_dir=data_dir, reset=reset, empty=empty))


@app.command(rich_help_panel="Shop")
def demo(
    url: Url = "http://127.0.0.1:4000/graphql",
    patience: Annotated[float, typer.Option(help="Seconds to wait for what happens later, such as shipping.")] = 30.0,
) -> None:
    """Walk a buyer's journey through the HTTP endpoint and print its steps with timings; exit 1 when one fails.

    Example:

        storegraph demo --url http://127.0.0.1:4001/graphql
    """
    from runtime.demo.journey import run  # noqa: PLC0415

    raise typer.Exit(run(url, patience))


@app.command("export-schema", rich_help_panel="Shop")
def export_schema(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 when a file is stale.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder to write to, instead of schema/ of the project.")] = None,
) -> None:
    """Write the schemas of all subgraphs, of the supergraph, of the API and of the events.

    Examples:

        storegraph export-schema

        storegraph export-schema --check
    """
    from runtime.export_schema import run  # noqa: PLC0415

    raise typer.Exit(run(out, check=check))


@app.command(rich_help_panel="Services")
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it.", dir_okay=False)],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write the database and the keys into one file, beside a store that goes on selling.

    With `STOREGRAPH_DATABASE_URL` it is that database, and the keys of `STOREGRAPH_DATA_DIR`.

    Example:

        storegraph backup /var/backups/storegraph-$(date +%F).tar
    """
    from runtime.backup.command import run_backup  # noqa: PLC0415

    run_backup(file, data_dir)


@app.command(rich_help_panel="Services")
def restore(
    file: Annotated[Path, typer.Argument(help="What `storegraph backup` wrote.", exists=True, dir_okay=False)],
    data_dir: Annotated[Path, typer.Option("--data-dir", help="A new folder for the store.")],
) -> None:
    """Make a store from a backup; refuses what is damaged, and a place where a store is.

    Example:

        storegraph restore /var/backups/storegraph-2026-11-23.tar --data-dir .storegraph-restored
    """
    from runtime.backup.command import run_restore  # noqa: PLC0415

    run_restore(file, data_dir)


@app.command("export-observability", rich_help_panel="Services")
def export_observability(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 when a file is stale.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder to write to, instead of deploy/observability/.")] = None,
) -> None:
    """Write Prometheus' rules and alerts and Grafana's dashboard, from the metrics that the code counts.

    Examples:

        storegraph export-observability --out /etc/prometheus/storegraph

        storegraph export-observability --check
    """
    from runtime.observability.export import run  # noqa: PLC0415

    raise typer.Exit(run(out, check=check))


@app.command("import-catalogue", rich_help_panel="Shop")
def import_catalogue(
    file: Annotated[Path, typer.Argument(help="A CSV file in Shopify's product layout.", dir_okay=False)],
    currency: Annotated[str, typer.Option(help="Currency of the prices in the file.")] = "EUR",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Load products from a Shopify product CSV; bad rows are reported, the rest loads, a second run changes nothing.

    Works beside a running store, or on its data directory while it is down.

    Example:

        storegraph import-catalogue products_export.csv --currency USD
    """
    from runtime.catalogue_command import run  # noqa: PLC0415

    raise typer.Exit(run(file, currency, data_dir))


@inventory.command("verify")
def verify_inventory(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Prove that stock levels, ledger, reservations and allocations agree, beside a store that sells; exit 1 if not.

    Works on `STOREGRAPH_DATABASE_URL`, or on the store of the data directory, running or not.

    Example:

        storegraph inventory verify
    """
    from runtime.inventory_command import run_verify  # noqa: PLC0415

    raise typer.Exit(run_verify(data_dir))


@inventory.command("rebuild")
def rebuild_inventory(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 when a row differs.")] = False,
) -> None:
    """Make levels, reservations and allocations anew from the ledger, beside a store that sells, and mend what differs.

    Examples:

        storegraph inventory rebuild --check

        storegraph inventory rebuild
    """
    from runtime.inventory_command import run_rebuild  # noqa: PLC0415

    raise typer.Exit(run_rebuild(data_dir, check=check))


@inventory.command("backtest")
def backtest_forecasts(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    out: Annotated[Path | None, typer.Option(help="HTML file to write, with a plot for each SKU.")] = None,
    origins: Annotated[int, typer.Option(min=1, max=26, help="How many past Mondays forecasts are made on.")] = 7,
    horizon: Annotated[int, typer.Option(min=1, max=13, help="Weeks ahead that are judged.")] = 4,
) -> None:
    """Judge the demand forecasts on the store's own history, beside the naive and the seasonal naive forecast.

    Examples:

        storegraph inventory backtest

        storegraph inventory backtest --out backtest.html --origins 13 --horizon 8
    """
    from runtime.forecast_command import run_backtest  # noqa: PLC0415
    from subgraphs.inventory.domain.forecasting.backtest import Plan  # noqa: PLC0415

    run_backtest(data_dir, Plan(horizon=horizon, step=horizon, count=origins), out)


@inventory.command("import-demand")
def import_demand(
    file: Annotated[
        Path, typer.Argument(help="A CSV file: sku, channel, week, quantity.", exists=True, dir_okay=False)
    ],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Load what was sold elsewhere, in shops or the system before this one, so that forecasts know it.

    `week` is any day of it, as YYYY-MM-DD. What was loaded before is replaced, so the same file may come again.

    Example:

        storegraph inventory import-demand sales-of-the-stores.csv
    """
    from runtime.forecast_command import run_import  # noqa: PLC0415

    run_import(file, data_dir)


@recommendations.command("evaluate")
def evaluate_recommendations(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    held_back: Annotated[
        float, typer.Option(min=0.01, max=0.5, help="The share of the orders, the latest, to foretell.")
    ] = 0.15,
) -> None:
    """Judge recommendations on the store's own orders: learn the earlier ones, foretell the latest, beside bestsellers.

    Example:

        storegraph recommendations evaluate --held-back 0.1
    """
    from runtime.recommendations_command import run_evaluate  # noqa: PLC0415

    run_evaluate(data_dir, held_back)


@recommendations.callback()
def recommendations_help() -> None:
    """Judge what is recommended."""


@app.command(rich_help_panel="Services")
def migrate() -> None:
    """Bring the tables of all subgraphs to this version, in the database of `STOREGRAPH_DATABASE_URL`.

    Example:

        STOREGRAPH_DATABASE_URL=postgresql://shop@db/shop storegraph migrate
    """
    from runtime.services import run_migrations  # noqa: PLC0415

    run_migrations()


@app.command("load-demo-data", rich_help_panel="Services")
def load_demo() -> None:
    """Load the demo data into the database of `STOREGRAPH_DATABASE_URL`, unless that was done before.

    Example:

        storegraph migrate && storegraph load-demo-data
    """
    from runtime.services import run_demo_load  # noqa: PLC0415

    run_demo_load()


@app.command(rich_help_panel="Services")
def subgraph(
    name: SubgraphName,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; by default the one in supergraph.yaml.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve one subgraph over HTTP, as its own process.

    Example:

        storegraph subgraph products --port 4101
    """
    from runtime.services import run_subgraph  # noqa: PLC0415

    run_subgraph(name, host, port)


@app.command(rich_help_panel="Services")
def worker(
    names: Annotated[list[str] | None, typer.Argument(help="Subgraphs to work for; all when none is named.")] = None,
) -> None:
    """Run the background work of subgraphs: event delivery, consumers and jobs. Any number may run at once.

    Examples:

        storegraph worker orders

        storegraph worker
    """
    from runtime.services import run_worker  # noqa: PLC0415

    run_worker(names or [])


users_app = typer.Typer(no_args_is_help=True, help="Accounts and keys, for the shop's owner.")
app.add_typer(users_app, name="users", rich_help_panel="Shop")


@users_app.command("create-admin")
def create_admin(
    email: Annotated[str, typer.Argument(help="The administrator's e-mail address.")],
    name: Annotated[str, typer.Option(help="The administrator's name.")] = "Administrator",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make an administrator; asks for the password, or reads it from standard input in a script.

    Works beside a running store, or on its data directory while it is down.

    Example:

        storegraph users create-admin ada@example.com --name "Ada Lovelace"
    """
    from runtime import users_command  # noqa: PLC0415

    users_command.create_admin(users_command.NewAdministrator(email, name), data_dir)


@users_app.command("rotate-signing-key")
def rotate_signing_key(
    compromised: Annotated[
        bool, typer.Option("--compromised", help="The old keys are in the wrong hands: they are worth nothing at once.")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Let a new key sign access tokens; nobody is logged out, unless the old one is compromised.

    Example:

        storegraph users rotate-signing-key
    """
    from runtime import users_command  # noqa: PLC0415

    users_command.rotate_signing_key(data_dir, compromised=compromised)


@users_app.command("rotate-personal-key")
def rotate_personal_key(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Let a new key protect personal data; what older ones protect is taken over in the background.

    Example:

        storegraph users rotate-personal-key
    """
    from runtime import users_command  # noqa: PLC0415

    users_command.rotate_personal_key(data_dir)


@users_app.command("forget-older-personal-keys")
def forget_older_personal_keys(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Remove the older keys of personal data, once nothing needs them; backups of before cannot be read any more.

    Example:

        storegraph users forget-older-personal-keys
    """
    from runtime import users_command  # noqa: PLC0415

    users_command.forget_older_personal_keys(data_dir)


def main() -> None:
    """Run the command line; known faults become one line and an exit code."""
    try:
        app()
    except (StartError, SettingsError) as error:
        print(f"storegraph: {error}", file=sys.stderr)
        sys.exit(getattr(error, "exit_code", 1))


if __name__ == "__main__":
    main()
