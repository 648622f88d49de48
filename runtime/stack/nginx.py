"""nginx as load balancer before the routers, and as a stand-in for a CDN.

Only GET requests are ever kept, for as long as the router's `Cache-Control` says, and none that tells who asks.
Requests are passed to another router only where that cannot do anything twice: if none of it was sent, or if it is
a GET.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.embedded.child import Child, start_child
from runtime.stack.debian import program

_TEMPLATE: Final = """\
daemon off;
{user}worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  server_tokens off;
  client_max_body_size 32m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=answers:16m max_size=512m inactive=10m use_temp_path=off;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  map $http_authorization$http_cookie$http_x_api_key $private {{ default 1; '' 0; }}
  map $request_method $changes {{ default 1; GET 0; HEAD 0; }}
  map $http_accept $streams {{ default 0; '~*(event-stream|multipart/mixed)' 1; }}
  upstream routers {{
    least_conn;
{routers}    keepalive 64;
  }}
  server {{
    listen {address};
{tls}    location / {{
      proxy_pass http://routers;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_connect_timeout 2s;
      proxy_read_timeout 1h;
      proxy_send_timeout 60s;
      proxy_next_upstream error timeout http_502 http_503;
      proxy_next_upstream_tries 3;
      proxy_request_buffering off;
      proxy_cache answers;
      proxy_cache_methods GET HEAD;
      proxy_cache_key $scheme$host$request_uri;
      proxy_cache_lock on;
      proxy_cache_use_stale updating error timeout;
      proxy_cache_background_update on;
      proxy_cache_bypass $private $changes $streams;
      proxy_no_cache $private $changes $streams;
      add_header X-Cache $upstream_cache_status always;
    }}
  }}
}}
"""
_TLS: Final = """\
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
"""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server shows and proves: PEM files of a chain and its key."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Nginx:
    """A load balancer: its folder, where it listens, and the ports of the routers behind it."""

    folder: Path
    host: str
    port: int
    routers: Sequence[int]
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
        command = [binary, "-p", self.folder, "-c", config, "-e", self.folder / "error.log"]
        return start_child("nginx", command, log=self.log, stop_signal=signal.SIGQUIT)

    def write(self, routers: Sequence[int]) -> None:
        """Write the configuration for these routers; SIGHUP makes a running nginx take it over."""
        self.folder.mkdir(exist_ok=True, parents=True)
        (self.folder / "nginx.conf").write_text(self.configuration(routers))

    def configuration(self, routers: Sequence[int]) -> str:
        """Give nginx's configuration for these routers."""
        tls = self.certificate
        return _TEMPLATE.format(
            user="user root;\n" if os.geteuid() == 0 else "",
            folder=self.folder,
            address=f"{self.host}:{self.port}{' ssl' if tls else ''}",
            tls=_TLS.format(certificate=tls.chain, key=tls.key) if tls else "",
            routers="".join(f"    server 127.0.0.1:{port} max_fails=2 fail_timeout=2s;\n" for port in routers),
        )
