"""All subgraphs of a supergraph over HTTP, each by the transport that fits its address."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Self, TypeAlias

from pyreqwest.client import Client, ClientBuilder

from router.execution.transports.http.address import Address, Origin, parse_address
from router.execution.transports.http.library import LibraryHttpTransport
from router.execution.transports.http.plain import PlainHttpTransport
from router.execution.transports.http.pool import Pool
from router.execution.transports.http.resolver import Resolver
from router.execution.transports.http.settings import HttpSettings
from router.execution.transports.http.uploading import UploadingTransport
from router.execution.transports.port import Sign, SigningTransport, SubgraphTransport, sender
from router.execution.transports.sharing import SharingTransport
from router.traffic.balancing import BalancingTransport

Shape: TypeAlias = Callable[[str, SubgraphTransport], SubgraphTransport]
"""Puts around the transport to a subgraph of some name what traffic to it needs."""


class HttpNetwork:
    """Opens connections to subgraphs when they are first needed, and closes all in the end.

    Subgraphs with the same origin share its connections.

    Args:
        addresses: the URL of each subgraph by its name.
        settings: limits and switches.
        further: other URLs of a subgraph, by its name, that serve the same.
        shape: what is put around each transport, within the sharing of equal requests.
        sign: signs each request that is sent, if they are to be signed.

    Attributes:
        transports: the transport of each subgraph by its name.
    """

    def __init__(
        self,
        addresses: Mapping[str, str],
        settings: HttpSettings | None = None,
        *,
        further: Mapping[str, Sequence[str]] | None = None,
        shape: Shape | None = None,
        sign: Sign | None = None,
    ) -> None:
        self._addresses = addresses
        self._settings = settings or HttpSettings()
        self._pools: dict[Origin, Pool] = {}
        self._client: Client | None = None
        self._resolver = Resolver()
        self._shape = shape
        self._sign = sign
        self.transports: Mapping[str, SubgraphTransport] = {
            name: self._way(name, (url, *(further or {}).get(name, ()))) for name, url in addresses.items()
        }

    def uploading(self) -> dict[str, SubgraphTransport]:
        """Return transports that send files along, beside the usual ones for requests without."""
        return {
            name: UploadingTransport(url, self._shared_client, self._settings, self.transports[name])
            for name, url in self._addresses.items()
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; what is under way fails."""
        pools = list(self._pools.values())
        self._pools.clear()
        for pool in pools:
            await pool.close()
        client, self._client = self._client, None
        if client:
            await client.close()
        self._resolver.close()

    def _way(self, name: str, urls: Sequence[str]) -> SubgraphTransport:
        ways = [self._transport(url) for url in urls]
        transport = ways[0] if len(ways) == 1 else BalancingTransport([sender(way) for way in ways], time.monotonic)
        if self._shape is not None:
            transport = self._shape(name, transport)
        return SharingTransport(transport) if self._settings.share else transport

    def _transport(self, url: str) -> SubgraphTransport:
        transport = self._unsigned(url)
        return transport if self._sign is None else SigningTransport(transport, self._sign)

    def _unsigned(self, url: str) -> SubgraphTransport:
        address = parse_address(url)
        if address.scheme == "http":
            return PlainHttpTransport(address, partial(self._pool, address), self._settings)
        return LibraryHttpTransport(url, self._shared_client, self._settings)

    def _pool(self, address: Address) -> Pool:
        pool = self._pools.get(address.origin)
        if pool is None:
            pool = self._pools[address.origin] = Pool(address.origin, self._settings, self._resolver)
        return pool

    def _shared_client(self) -> Client:
        if self._client is None:
            settings = self._settings
            builder = ClientBuilder().http2(enable=True).follow_redirects(enable=False).no_proxy()
            builder = builder.max_connections(settings.max_connections)
            builder = builder.gzip(settings.compression).deflate(settings.compression)
            if settings.certificates:
                builder = builder.add_root_certificate_pem(settings.certificates)
            builder = builder.brotli(enable=False).zstd(enable=False)
            self._client = builder.pool_idle_timeout(timedelta(seconds=settings.idle_seconds)).build()
        return self._client
