"""nginx as load balancer before the routers; what it does is told by `deploy/nginx.conf.template`."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from runtime.embedded.child import Child, start_child
from runtime.export_schema import PROJECT
from runtime.stack.debian import program

TEMPLATE: Final = PROJECT / "deploy" / "nginx.conf.template"
_TLS: Final = "ssl_certificate {}; ssl_certificate_key {}; ssl_protocols TLSv1.2 TLSv1.3;"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server shows and proves: PEM files of a chain and its key."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Nginx:
    """A load balancer: its folder, where it listens, and the ports of the routers and subgraphs behind it."""

    folder: Path
    host: str
    port: int
    routers: Sequence[int]
    subgraphs: Mapping[str, int]
    certificate: Certificate | None = None

    @property
    def log(self) -> Path:
        """What it says while it starts."""
        return self.folder / "server.log"

    def start(self) -> Child:
        """Start it on what `configuration` says.

        Raises:
            StartError: the package is missing.
        """
        self.write(self.routers)
        binary, config = program("nginx"), self.folder / "nginx.conf"
        command = [binary, "-g", "daemon off;", "-p", self.folder, "-c", config, "-e", self.folder / "error.log"]
        return start_child("nginx", command, log=self.log, stop_signal=signal.SIGQUIT)

    def write(self, routers: Sequence[int]) -> None:
        """Write the configuration for these routers; SIGHUP makes a running nginx take it over."""
        self.folder.mkdir(exist_ok=True, parents=True)
        (self.folder / "nginx.conf").write_text(self.configuration(routers))

    def configuration(self, routers: Sequence[int]) -> str:
        """Give nginx's configuration for these routers."""
        tls = self.certificate
        return Template(TEMPLATE.read_text()).safe_substitute(
            STOREGRAPH_NGINX_USER="user root;" if os.geteuid() == 0 else "",
            STOREGRAPH_NGINX_FOLDER=self.folder,
            STOREGRAPH_NGINX_LISTEN=f"{self.host}:{self.port}{' ssl' if tls else ''}",
            STOREGRAPH_NGINX_TLS=_TLS.format(tls.chain, tls.key) if tls else "",
            STOREGRAPH_NGINX_ROUTERS=" ".join(
                f"server 127.0.0.1:{port} max_fails=2 fail_timeout=2s;" for port in routers
            ),
            **{
                f"STOREGRAPH_NGINX_{name.upper()}": f"server 127.0.0.1:{port};" for name, port in self.subgraphs.items()
            },
        )
