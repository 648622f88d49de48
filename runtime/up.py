"""`storegraph up`: the whole store in one process and its child servers, from an empty folder to the card with URLs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
import uvloop
from pydantic import SecretStr
from rich.panel import Panel
from typing_extensions import override

from kernel.collector import spare_what_is_there
from kernel.settings import Settings
from kernel.telemetry import configure_logging
from kernel.tracing import send_traces_to
from router.cache.store import Store
from router.config import ServerSettings
from router.server.app import RouterApp
from router.server.serving import uvicorn_config
from runtime.cache_changes import cache_settings, following
from runtime.demo_data import DemoUser, demo_users, load_demo_data
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.left_over import stop_left_over_servers
from runtime.embedded.postgres import start_postgres
from runtime.embedded.valkey import start_valkey
from runtime.export_schema import compose_shop, sdls_of
from runtime.ports import insist_on_free_port
from runtime.progress import Steps
from runtime.shop import build_shop, check_tables, migrate
from runtime.stopping import stop_on_signals
from runtime.storefront import build_storefront
from subgraphs.users.app import personal_keys

_DRAIN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What the command line asks for."""

    host: str
    port: int
    data_dir: Path
    reset: bool
    empty: bool

    @property
    def url(self) -> str:
        """The GraphQL endpoint, as a person would type it."""
        shown = "localhost" if self.host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else self.host  # noqa: S104 - shown, not bound
        return f"http://{shown}:{self.port}/graphql"


def run(options: UpOptions) -> None:
    """Run the store until Ctrl-C or SIGTERM.

    Raises:
        StartError: with one line that says what to do; nothing is left running then.
    """
    settings = Settings.load()
    configure_logging(level=settings.log_level, style=settings.log_style)
    steps = Steps()
    insist_on_free_port(options.host, options.port)
    with DataDirectory(options.data_dir) as directory:
        directory.announce(url=options.url)
        stop_left_over_servers(directory)
        if options.reset:
            with steps.step(f"Deleted the data in {directory.root}"):
                directory.reset()
        with _servers(directory, steps, settings) as complete:
            uvloop.run(_serve(options, complete, steps))
    steps.console.print("Stopped. The data is kept; start again with `make up`.")


@contextmanager
def _servers(directory: DataDirectory, steps: Steps, settings: Settings) -> Iterator[Settings]:
    """Run PostgreSQL and Valkey; yields the settings that lead to them."""
    with steps.step("PostgreSQL"):
        postgres = start_postgres(directory)
    try:
        with steps.step("Valkey"):
            valkey = start_valkey(directory)
        try:
            yield settings.model_copy(
                update={
                    "mode": "embedded",
                    "data_dir": directory.root,
                    "database_url": postgres.url,
                    "redis_url": valkey.url,
                    "internal_key": SecretStr(directory.secrets().internal_key),
                }
            )
        finally:
            valkey.stop()
    finally:
        postgres.stop()


async def _serve(options: UpOptions, settings: Settings, steps: Steps) -> None:
    stop = stop_on_signals()
    with steps.step("Tables"):
        await migrate(settings)
    if settings.traces_url:
        send_traces_to(settings.traces_url)
    shop = build_shop(settings)
    try:
        await check_tables(shop)
        users = [] if options.empty else await _load_demo(settings, steps)
        with steps.step("Supergraph of 8 subgraphs composed"):
            composed = compose_shop(sdls_of(shop.subgraphs.values()))
            store = Store(cache_settings()) if settings.response_cache else None
            app = build_storefront(shop, composed.supergraph_sdl, settings, users, store=store)
        await shop.start()
        spare_what_is_there()
        async with following(settings.database_url, store), _listening(app, options) as serving:
            steps.console.print(_card(options, users, steps.elapsed()))
            await _until(stop, serving)
        steps.console.print("Stopping ...")
    finally:
        await shop.stop()


async def _load_demo(settings: Settings, steps: Steps) -> list[DemoUser]:
    """Load the demo data unless that was done before; the users of it that the card names."""
    await load_demo_data(settings.database_url, steps, personal_keys(settings))
    return demo_users()


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, and without its signal handlers: ours also stop what stands behind it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.listening.set()

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


@asynccontextmanager
async def _listening(app: RouterApp, options: UpOptions) -> AsyncIterator[asyncio.Task[None]]:
    settings = ServerSettings(host=options.host, port=options.port, drain_timeout=_DRAIN_SECONDS)
    server = _Server(uvicorn_config(app, settings))
    serving = asyncio.create_task(server.serve())
    await _until(server.listening, serving)
    try:
        yield serving
    finally:
        app.draining = True
        server.should_exit = True
        await serving


async def _until(event: asyncio.Event, serving: asyncio.Task[None]) -> None:
    """Wait for the event, or for a server that ends by itself."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _card(options: UpOptions, users: list[DemoUser], seconds: float) -> Panel:
    """What a person needs to know now: where to go, who to be, what to try."""
    lines = [
        f"GraphQL and explorer   [link={options.url}]{options.url}[/link]",
        f"REST                   {options.url.removesuffix('/graphql')}/docs",
        f"Health                 {options.url.removesuffix('/graphql')}/health",
        f"Data                   {options.data_dir}  (mail: {options.data_dir / 'mailbox'})",
    ]
    if users:
        lines += ["", "[bold]Demo users[/]"]
        lines += [f"  {user.email:<32} {user.password:<18} {user.role}" for user in users]
    lines += [
        "",
        "[bold]Try[/]",
        '  { productSearch(query: "lamp", first: 3) { nodes { name } } }',
        "",
        "A buyer's journey: [bold].venv/bin/storegraph demo[/]    Stop: [bold]Ctrl-C[/]",
    ]
    return Panel("\n".join(lines), title=f"Storegraph is up ({seconds:.1f} s)", expand=False, padding=(1, 2))
