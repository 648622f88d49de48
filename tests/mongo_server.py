"""A server of MongoDB's protocol for tests (mongoeco, in an environment of its own), in memory."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from runtime.ports import free_port
from tests.python_tools import python_tool, serving

PACKAGE: Final = "mongoeco[wire]==4.11.0"
_SERVE: Final = """
import asyncio, sys
from mongoeco.wire import AsyncMongoEcoProxyServer

async def main():
    async with AsyncMongoEcoProxyServer(engine=None, host="127.0.0.1", port=int(sys.argv[1]), mongodb_dialect="8.0"):
        await asyncio.Event().wait()

asyncio.run(main())
"""


@contextmanager
def mongo_server(log: Path) -> Iterator[str]:
    """Run a server and give its URL; where it is not to be had, skip the test."""
    port = free_port()
    command = [python_tool(PACKAGE, python="3.13") / "python", "-c", _SERVE, str(port)]
    with serving(command, log, lambda: socket.create_connection(("127.0.0.1", port)).close()):
        yield f"mongodb://127.0.0.1:{port}/"
