"""The shop as processes of its own: every subgraph, workers, routers, and nginx before the routers."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.embedded.child import Child, start_child
from runtime.export_schema import PROJECT, SCHEMA
from runtime.ports import answers, free_port
from runtime.shop import SUBGRAPHS
from runtime.stack.nginx import Nginx
from runtime.stack.supervisor import Program

SUPERGRAPH: Final = SCHEMA / "supergraph.graphql"
ROUTES: Final = PROJECT / "runtime" / "rest" / "routes.yaml"
ROUTER_CONFIG: Final = PROJECT / "deploy" / "router.yaml"


@dataclass(frozen=True, slots=True)
class ShopProcesses:
    """How the processes of a shop are started.

    Attributes:
        environment: settings that lead to the backing servers.
        folder: for logs.
        subgraphs: the port of each subgraph.
        routers: the ports of the routers.
        nginx: what stands before them.
        workers: how many processes do the background work of all subgraphs.
    """

    environment: Mapping[str, str]
    folder: Path
    subgraphs: Mapping[str, int]
    routers: Sequence[int]
    nginx: Nginx
    workers: int = 1

    def back(self) -> Sequence[Program]:
        """Name subgraphs and workers."""
        subgraphs = [
            self._program(name, ("subgraph", name, "--port", str(port)), port) for name, port in self.subgraphs.items()
        ]
        return (*subgraphs, *(self._program(f"worker-{each + 1}", ("worker",), None) for each in range(self.workers)))

    def front(self) -> Sequence[Program]:
        """Name the routers."""
        fixed = ("router", "--supergraph", str(SUPERGRAPH), "--config", str(ROUTER_CONFIG), "--port")
        return [
            self._program(f"router-{number + 1}", (*fixed, str(port)), port) for number, port in enumerate(self.routers)
        ]

    def balancer(self) -> Program:
        """Name nginx; it is started after the routers, since it stays away from one that it could not reach."""
        return Program("nginx", self.nginx.start, lambda: listens(self.nginx.port), log=self.nginx.log)

    def all_settings(self) -> dict[str, str]:
        """Give the settings of every process: of the backing servers, and where the subgraphs are."""
        return {
            **self.environment,
            "STOREGRAPH_ROUTES": str(ROUTES),
            "STOREGRAPH_ROUTER_URL": endpoint(self.routers[0]),
            **subgraph_settings(self.subgraphs),
        }

    def _program(self, name: str, arguments: Sequence[str], port: int | None) -> Program:
        environment, log = self.all_settings(), self.folder / f"{name}.log"

        def start() -> Child:
            command = [sys.executable, "-m", "runtime.cli", *arguments]
            return start_child(name, command, log=log, stop_signal=signal.SIGTERM, environment=environment)

        return Program(name, start, (lambda: True) if port is None else (lambda: healthy(port)), log=log)


def choose_ports(names: Sequence[str] = SUBGRAPHS) -> dict[str, int]:
    """Choose a free port for each."""
    return {name: free_port() for name in names}


def endpoint(port: int) -> str:
    """Where what listens on a port of this machine takes GraphQL."""
    return f"http://127.0.0.1:{port}/graphql"


def subgraph_settings(ports: Mapping[str, int]) -> dict[str, str]:
    """Give the settings that tell where the subgraphs of this machine are."""
    return {
        "STOREGRAPH_JWKS_URL": f"http://127.0.0.1:{ports['users']}/.well-known/jwks.json",
        **{f"STOREGRAPH_{name.upper()}_URL": endpoint(port) for name, port in ports.items()},
    }


def healthy(port: int) -> bool:
    """Whether what listens on a port says that it is well."""
    return answers(port, "/health", patience=2)


def listens(port: int) -> bool:
    """Whether somebody accepts connections on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
