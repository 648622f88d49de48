"""The commands of `storegraph events`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from runtime.cli_options import DEFAULT_DATA_DIR, DataDir

events = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Look at domain events, and mend deliveries."
)

_Types = Annotated[list[str] | None, typer.Option("--type", help="Only events of this type; may be given again.")]
_Since = Annotated[datetime | None, typer.Option(help="Only what was published after this instant, in UTC.")]
_ConsumerName = Annotated[str, typer.Option("--consumer", help="Only those of this consumer.")]
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


@events.command()
def tail(  # noqa: PLR0917 - options, given by name
    types: _Types = None,
    subject: Annotated[str, typer.Option(help="Only what happened to this aggregate, by its id.")] = "",
    since: _Since = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One CloudEvents envelope a line.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Show what was published, by default in the last hour.

    Examples:

        storegraph events tail --follow

        storegraph events tail --type OrderConfirmed --since 2026-11-01T00:00:00 --json
    """
    from runtime.events_command import tail as run  # noqa: PLC0415

    moment = since.replace(tzinfo=UTC) if since else datetime.now(UTC) - timedelta(hours=1)
    run(data_dir, types=types or [], subject=subject, since=moment, follow=follow, as_json=as_json)


@events.command("dead-letters")
def dead_letters(
    consumer: _ConsumerName = "",
    event_id: Annotated[str, typer.Option("--event", help="Only this event, by its id.")] = "",
    retry: Annotated[bool, typer.Option("--retry", help="Hand them to their consumers again.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Give them up; they have no effect.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Show events that consumers could not handle, with the reason; exit 1 when there are any.

    Examples:

        storegraph events dead-letters

        storegraph events dead-letters --event evt_0198c0de

        storegraph events dead-letters --consumer notifications --retry
    """
    from runtime.events_command import settle_dead_letters, show_dead_letters  # noqa: PLC0415

    if retry and discard:
        raise typer.BadParameter("Choose one of --retry and --discard.")
    if retry or discard:
        settle_dead_letters(data_dir, consumer, event_id, retry=retry)
    else:
        raise typer.Exit(show_dead_letters(data_dir, consumer, event_id))


@events.command()
def replay(
    consumer: Annotated[str, typer.Argument(help="The consumer that is to get the events.")],
    types: _Types = None,
    since: _Since = None,
    again: Annotated[bool, typer.Option("--again", help="Also those it has handled: their effect repeats.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Give a consumer what was published before it was there, or with `--again` what it has handled already.

    Examples:

        storegraph events replay recommendations --type OrderConfirmed

        storegraph events replay notifications --since 2026-11-20T00:00:00 --again
    """
    from runtime.events_command import replay_events  # noqa: PLC0415

    moment = since.replace(tzinfo=UTC) if since else _FIRST
    replay_events(data_dir, consumer, types=types or [], since=moment, again=again)


@events.command()
def schema(name: Annotated[str, typer.Argument(help="An event; without it all are listed.")] = "") -> None:
    """List the events, or print the JSON Schema of one's body.

    Example:

        storegraph events schema OrderConfirmed
    """
    from runtime.events_command import print_schema  # noqa: PLC0415

    print_schema(name)
