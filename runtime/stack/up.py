"""`storegraph up --mode services`: the whole shop as processes of its own, on servers that run already."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from rich.panel import Panel

from kernel.settings import Settings
from kernel.telemetry import configure_logging
from runtime.demo_data import DemoUser, demo_users, load_demo_data
from runtime.ports import free_port, insist_on_free_port
from runtime.progress import Steps
from runtime.shop import migrate
from runtime.stack.backing_command import environment_of
from runtime.stack.nginx import Nginx
from runtime.stack.shop_processes import ShopProcesses, choose_ports
from runtime.stack.supervisor import Supervisor
from runtime.stopping import stop_flag_on_signals
from subgraphs.users.app import personal_keys


@dataclass(frozen=True, slots=True)
class ServicesUpOptions:
    """What the command line asks for."""

    host: str
    port: int
    services: Path
    empty: bool
    routers: int

    @property
    def url(self) -> str:
        """The GraphQL endpoint, as a person would type it."""
        return f"http://{'localhost' if self.host == '127.0.0.1' else self.host}:{self.port}/graphql"


def run_services(options: ServicesUpOptions) -> None:
    """Run the shop until Ctrl-C or SIGTERM; a process that ends is started again.

    Raises:
        StartError: with what to do; nothing is left running then.
    """
    steps, stop = Steps(), stop_flag_on_signals()
    insist_on_free_port(options.host, options.port)
    environment = _environment(options)
    os.environ.update(environment)
    settings = Settings.load(mode="services")
    configure_logging(level=settings.log_level, style=settings.log_style)
    users = asyncio.run(_prepare(settings, steps, empty=options.empty))
    folder = settings.data_dir / "shop"
    folder.mkdir(exist_ok=True)
    routers = [free_port() for _ in range(options.routers)]
    subgraphs = choose_ports()
    nginx = Nginx(folder / "nginx", options.host, options.port, routers, subgraphs)
    shop = ShopProcesses(environment, folder, subgraphs, routers, nginx)
    supervisor = Supervisor(steps.console.print)
    try:
        with steps.step("8 subgraphs and their workers"):
            supervisor.start(shop.back())
        with steps.step(f"{options.routers} routers behind nginx"):
            supervisor.start(shop.front())
            supervisor.start([shop.balancer()])
        steps.console.print(_card(options, users, folder, steps.elapsed()))
        supervisor.watch(stop)
        steps.console.print("Stopping ...")
    finally:
        supervisor.stop()


def _environment(options: ServicesUpOptions) -> dict[str, str]:
    """Take the settings that are given; what is missing leads to the servers of `storegraph services`."""
    if os.environ.get("STOREGRAPH_DATABASE_URL"):
        return {name: value for name, value in os.environ.items() if name.startswith("STOREGRAPH_")}
    return environment_of(options.services)


async def _prepare(settings: Settings, steps: Steps, *, empty: bool) -> list[DemoUser]:
    with steps.step("Tables"):
        await migrate(settings)
    if empty:
        return []
    await load_demo_data(settings.database_url, steps, personal_keys(settings))
    return demo_users()


def _card(options: ServicesUpOptions, users: list[DemoUser], folder: Path, seconds: float) -> Panel:
    lines = [
        f"GraphQL and explorer   [link={options.url}]{options.url}[/link]   (nginx, {options.routers} routers)",
        f"Logs                   {folder}",
    ]
    if users:
        lines += ["", "[bold]Demo users[/]"]
        lines += [f"  {user.email:<32} {user.password:<18} {user.role}" for user in users]
    lines += ["", "A buyer's journey: [bold].venv/bin/storegraph demo[/]    Stop: [bold]Ctrl-C[/]"]
    return Panel("\n".join(lines), title=f"Storegraph is up ({seconds:.1f} s)", expand=False, padding=(1, 2))
