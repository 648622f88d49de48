"""Options that several commands take alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

DEFAULT_DATA_DIR: Final = Path(".storegraph")
DataDir = Annotated[
    Path, typer.Option("--data-dir", help="Folder for the database, keys and mail.", envvar="STOREGRAPH_DATA_DIR")
]

SERVICES_DIR_VARIABLE: Final = "STOREGRAPH_SERVICES_DIR"
DEFAULT_SERVICES_DIR: Final = Path(".storegraph-services")
