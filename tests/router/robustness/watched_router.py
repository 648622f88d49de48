"""A router that tells on SIGUSR1, in a line of JSON on stdout, how many tasks and objects it has.

python -m tests.router.robustness.watched_router --supergraph FILE --config FILE --port 0
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from router.config import RouterSettings, load_settings
from router.server.app import RouterApp
from router.server.serving import running_router, serve
from router.supergraph import load_supergraph


def tell() -> None:
    """Print what this process holds."""
    gc.collect()
    print(json.dumps({"tasks": len(asyncio.all_tasks()), "objects": len(gc.get_objects())}), flush=True)


@asynccontextmanager
async def watched(supergraph: str, settings: RouterSettings) -> AsyncIterator[RouterApp]:
    """Run a router that listens to the signal."""
    async with running_router(load_supergraph(supergraph), settings) as app:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)
        yield app


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--supergraph", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    settings = load_settings(options.config)
    with socket.create_server(("127.0.0.1", options.port), backlog=2048) as listener:
        print(f"router: http://127.0.0.1:{listener.getsockname()[1]}/graphql is up", file=sys.stderr, flush=True)
        serve(watched(options.supergraph.read_text(), settings), listener, settings.server)


if __name__ == "__main__":
    main()
