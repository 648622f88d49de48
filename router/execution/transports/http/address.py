"""Where a subgraph is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """A server, to which connections can be shared by several subgraphs."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a subgraph, split into what connects and what is asked for."""

    scheme: str
    origin: Origin
    target: str

    @property
    def host_header(self) -> str:
        """The value of the `host` header."""
        host = f"[{self.origin.host}]" if ":" in self.origin.host else self.origin.host
        return host if self.origin.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.origin.port}"


def parse_address(url: str) -> Address:
    """Split the URL of a subgraph.

    Raises:
        ValueError: it is no http or https URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is not an http or https URL")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isascii() or any(character <= " " for character in target):
        raise ValueError(f"{url!r} holds characters that must be escaped")
    return Address(parts.scheme, Origin(parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]), target)
