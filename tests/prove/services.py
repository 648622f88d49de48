"""The shop in services mode: its own servers, and a process for each part, any of which may be killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.postgres import start_postgres
from runtime.embedded.valkey import start_valkey
from runtime.ports import free_port
from runtime.stack.shop_processes import ROUTER_CONFIG, SUPERGRAPH, choose_ports, listens, subgraph_settings
from tests.prove.checkout import HERE, wait_until


@dataclass(slots=True)
class Part:
    """A process of the shop, and how to start it again."""

    arguments: Sequence[str]
    environment: dict[str, str]
    port: int | None
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting until it is up."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "runtime.cli", *self.arguments],
                cwd=HERE,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def wait_until_up(self) -> None:
        """Return when somebody listens on its port.

        Raises:
            RuntimeError: it has ended instead; with the end of what it said.
        """
        port = self.port
        if port is None:
            return

        def up() -> bool:
            if self.process is not None and self.process.poll() is not None:
                raise RuntimeError(f"{' '.join(self.arguments)} has ended:\n{self.log.read_text()[-2000:]}")
            return listens(port)

        wait_until(up, 180)


@dataclass(slots=True)
class Services:
    """A running shop: `parts` by name, the router's `url`, the `database_url`, and where PostgreSQL logs."""

    url: str
    database_url: str
    environment: dict[str, str]
    postgres_log: Path
    parts: dict[str, Part] = field(default_factory=dict)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `storegraph` command beside the shop."""
        return subprocess.run(
            [sys.executable, "-m", "runtime.cli", *arguments],
            cwd=HERE,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


@contextmanager
def services(wanted: Sequence[str], extra: dict[str, str], *, twice: str, shared_port: int) -> Iterator[Services]:
    """Run these subgraphs, a worker and the router, with demo data; `twice` names the one with two processes.

    All others find those two behind `shared_port`, where the caller lets a `Balancer` listen.
    """
    with ExitStack() as ended:
        folder = Path(tempfile.mkdtemp(prefix="storegraph-prove-"))
        ended.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        directory = ended.enter_context(DataDirectory(folder / "data"))
        postgres, valkey = start_postgres(directory), start_valkey(directory)
        ended.callback(postgres.stop)
        ended.callback(valkey.stop)
        ports = choose_ports() | {twice: shared_port}
        port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("STOREGRAPH_")},
            "STOREGRAPH_MODE": "services",
            "STOREGRAPH_DATA_DIR": str(directory.root),
            "STOREGRAPH_DATABASE_URL": postgres.url,
            "STOREGRAPH_REDIS_URL": valkey.url,
            "STOREGRAPH_INTERNAL_KEY": directory.secrets().internal_key,
            "STOREGRAPH_LOG_LEVEL": "WARNING",
            **subgraph_settings(ports),
            **extra,
        }
        shop = Services(
            url=f"http://127.0.0.1:{port}/graphql",
            database_url=postgres.url,
            environment=environment,
            postgres_log=directory.log("postgres"),
        )
        for command in ("migrate", "load-demo-data"):
            done = shop.run(command)
            if done.returncode:
                raise RuntimeError(f"storegraph {command}: {done.stdout}{done.stderr}")
        ended.callback(_end, shop)
        for name in wanted:
            for number in range(2 if name == twice else 1):
                own = free_port() if name == twice else ports[name]
                title = f"{name}-{number + 1}" if name == twice else name
                _add(shop, folder, title, ("subgraph", name, "--port", str(own)), own)
        _add(shop, folder, "worker", ("worker", *wanted), None)
        arguments = ("router", "--supergraph", str(SUPERGRAPH), "--config", str(ROUTER_CONFIG), "--port", str(port))
        _add(shop, folder, "router", arguments, port)
        for part in shop.parts.values():
            part.wait_until_up()
        yield shop


def _add(shop: Services, folder: Path, name: str, arguments: Sequence[str], port: int | None) -> None:
    shop.parts[name] = part = Part(arguments, shop.environment, port, folder / f"{name}.log")
    part.start()


def _end(shop: Services) -> None:
    for part in shop.parts.values():
        part.kill()


class Balancer:
    """Hands each connection on to the next of some ports; to another one where nobody listens."""

    def __init__(self, port: int, ports: Sequence[int]) -> None:
        self._port = port
        self._ports = tuple(ports)
        self._turns = count()
        self._pipes: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Balancer:
        self._server = await asyncio.start_server(self._hand_on, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._server.close()
        for pipe in self._pipes:
            pipe.cancel()

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        turn = next(self._turns)
        for number in range(len(self._ports)):
            with suppress(OSError):
                port = self._ports[(turn + number) % len(self._ports)]
                behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
                for source, target in ((reader, behind_writer), (behind_reader, writer)):
                    pipe = asyncio.create_task(_pipe(source, target))
                    self._pipes.add(pipe)
                    pipe.add_done_callback(self._pipes.discard)
                return
        writer.close()


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(65_536):
            target.write(chunk)
            await target.drain()
    target.close()
