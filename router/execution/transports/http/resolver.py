"""Finding out the addresses of servers, so that a slow name server delays only those who ask for its names.

The event loop's own resolver has a few threads for everybody: connections to one name that is slow to resolve would
occupy them all. Here, those who wait for the same name wait for one look-up.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor

_THREADS = 16


class Resolver:
    """Looks names up, each once at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "resolve")
        self._under_way: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host.

        Raises:
            OSError: there are none.
        """
        if _is_address(host):
            return [host]
        key = (host, port)
        found = self._under_way.get(key)
        if found is None:
            loop = asyncio.get_running_loop()
            found = self._under_way[key] = loop.run_in_executor(self._threads, _look_up, host, port)
            found.add_done_callback(lambda done: (self._under_way.pop(key), done.cancelled() or done.exception()))
        return await asyncio.shield(found)

    def close(self) -> None:
        """Look nothing up any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, host)
            return True
    return False


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
