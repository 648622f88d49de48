"""Tells an operator at the start which subgraphs do not answer; the router serves the others all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from router.execution.transports.http.address import parse_address

_LOG: Final = structlog.get_logger("router.server")
_CONNECT_SECONDS: Final = 3.0


async def warn_of_unreachable(addresses: Mapping[str, str]) -> None:
    """Write a warning for each subgraph that takes no connection."""
    await asyncio.gather(*(_probe(name, url) for name, url in addresses.items()))


async def _probe(name: str, url: str) -> None:
    origin = parse_address(url).origin
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(origin.host, origin.port)
        writer.close()
    except (OSError, TimeoutError) as error:
        _LOG.warning(
            "a subgraph does not answer: start it, or say in the settings where it is",
            subgraph=name,
            url=url,
            setting=f"subgraphs.{name}.url",
            reason=_reason(error),
        )


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"no connection within {_CONNECT_SECONDS:g} s"
    return (error.strerror or str(error)).splitlines()[0]
