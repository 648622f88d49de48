"""The commands of `storegraph saga`."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli_options import DEFAULT_DATA_DIR, DataDir

saga = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Look at the work behind orders, and decide what is stuck."
)

_SagaId = Annotated[str, typer.Argument(metavar="ID", help="A saga, by its id.")]


@saga.command("list")
def show_sagas(
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    first: Annotated[int, typer.Option(min=1, max=100, help="How many at most.")] = 20,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """List the sagas that have not ended, the newest first.

    Examples:

        storegraph saga list

        storegraph saga list --all --first 100
    """
    from runtime.saga_command import list_sagas  # noqa: PLC0415

    list_sagas(data_dir, everything=everything, first=first)


@saga.command()
def show(saga_id: _SagaId, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Show a saga step by step, and what may be decided about it.

    Example:

        storegraph saga show saga_0198c0de
    """
    from runtime.saga_command import show_saga  # noqa: PLC0415

    show_saga(data_dir, saga_id)


@saga.command()
def retry(saga_id: _SagaId, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Let a saga that waits be carried on now, instead of when its pause is over.

    Example:

        storegraph saga retry saga_0198c0de
    """
    from runtime.saga_command import retry_saga  # noqa: PLC0415

    retry_saga(data_dir, saga_id)


@saga.command()
def resolve(
    saga_id: _SagaId,
    step: Annotated[str, typer.Option(help="The step that it waits for, as `show` names it.")],
    verdict: Annotated[str, typer.Option(help="DONE or REFUSED.")],
    payment: Annotated[str, typer.Option(help="The payment that was made, where PROCESS_PAYMENT is DONE.")] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Say what became of the step that a saga waits for, when no service can tell; the timeline names who decided.

    Examples:

        storegraph saga resolve saga_0198c0de --step PROCESS_PAYMENT --verdict REFUSED

        storegraph saga resolve saga_0198c0de --step PROCESS_PAYMENT --verdict DONE --payment pay_0198c0de
    """
    from runtime.saga_command import resolve_saga  # noqa: PLC0415

    resolve_saga(data_dir, saga_id, step=step, verdict=verdict, payment=payment)
