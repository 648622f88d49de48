"""The commands of `storegraph tokens`."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli_options import DEFAULT_DATA_DIR, DataDir

tokens = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Take access tokens back before their time."
)

_Name = Annotated[
    str,
    typer.Argument(
        metavar="WHAT", help="`jti:ID` of a token, `sid:ID` of a session, `sub:ID` of a person, or a token."
    ),
]


@tokens.command()
def revoke(
    what: _Name,
    minutes: Annotated[float, typer.Option(min=0.01, help="For how long; access tokens live 15.")] = 15,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Have every router refuse a token, all tokens of a session, or all of a person, within a second.

    A person can log in again, but is refused until the time is over; to end their sessions only, staff use
    the mutation `userSessionsRevoke`. With `-` the token itself is read from standard input.

    Examples:

        storegraph tokens revoke sub:usr_0198c0de --minutes 60

        storegraph tokens revoke - < leaked.txt
    """
    from runtime.tokens_command import revoke_tokens  # noqa: PLC0415

    revoke_tokens(data_dir, what, minutes)


@tokens.command()
def restore(what: _Name, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Let tokens that were revoked hold again.

    Example:

        storegraph tokens restore sub:usr_0198c0de
    """
    from runtime.tokens_command import restore_tokens  # noqa: PLC0415

    restore_tokens(data_dir, what)


@tokens.command("list")
def list_revoked(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """List what is revoked now, and until when.

    Example:

        storegraph tokens list
    """
    from runtime.tokens_command import list_tokens  # noqa: PLC0415

    list_tokens(data_dir)
