"""The commands of `storegraph products`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from runtime.cli_options import DEFAULT_DATA_DIR, DataDir

products = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Bring products in and out in bulk.")


class FormatOption(StrEnum):
    """How products are spelled in a file."""

    CSV = "csv"
    JSONL = "jsonl"


_Format = Annotated[
    FormatOption | None,
    typer.Option("--format", help="Shopify's CSV or JSON Lines; without it, what the file's name says."),
]
_Currency = Annotated[str, typer.Option(help="Currency of the prices in a CSV file.")]


@products.command("import")
def bring_in(
    file: Annotated[Path, typer.Argument(help="Products, as Shopify's CSV or as JSON Lines.", dir_okay=False)],
    file_format: _Format = None,
    currency: _Currency = "EUR",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Bring in the products of a file of any size; bad rows are reported, the rest loads; exit 1 where some were bad.

    What is there already is changed where it differs. An import that was broken off goes on where it was when the
    command is given again. Works beside a running store, or on its data directory while it is down. Stock is left alone
    (`storegraph import-catalogue` opens it).

    Examples:

        storegraph products import products_export.csv --currency USD

        storegraph products import everything.jsonl
    """
    from runtime.products_command import run_import  # noqa: PLC0415

    raise typer.Exit(run_import(file, file_format, currency, data_dir))


@products.command("documents")
def check_documents(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Compare the documents of products with where they are kept; exit 1 and their ids where they disagree.

    Example:

        storegraph products documents
    """
    from runtime.products_command import run_documents  # noqa: PLC0415

    raise typer.Exit(run_documents(data_dir))


@products.command("export")
def bring_out(
    file: Annotated[Path, typer.Argument(help="Where to write; what is there is replaced.", dir_okay=False)],
    file_format: _Format = None,
    currency: _Currency = "EUR",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write all products into a file.

    JSON Lines hold all that is known of them, Shopify's CSV what that has columns for.

    Example:

        storegraph products export everything.jsonl
    """
    from runtime.products_command import run_export  # noqa: PLC0415

    run_export(file, file_format, currency, data_dir)
