"""A router that tells on SIGUSR1, in a line of JSON on stdout, how many tasks, objects and engines it has.

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

from router.execution.engine import Engine
from router.release import Release
from router.server.reload import ReloadingRouter
from router.server.serving import running_router, serve
from router.sources import RouterOptions, read_release
from router.telemetry.logs import configure_logs


def tell() -> None:
    """Print what this process holds."""
    gc.collect()
    objects = gc.get_objects()
    engines = sum(isinstance(each, Engine) for each in objects)
    print(json.dumps({"tasks": len(asyncio.all_tasks()), "objects": len(objects), "engines": engines}), flush=True)


@asynccontextmanager
async def watched(release: Release, options: RouterOptions) -> AsyncIterator[ReloadingRouter]:
    """Run a router that listens to the signal."""
    async with running_router(release, renew=lambda: read_release(options)) as app:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)
        yield app


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--supergraph", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    options = RouterOptions(given.supergraph, given.config)
    release = read_release(options)
    configure_logs(release.settings.telemetry)
    with socket.create_server(("127.0.0.1", given.port), backlog=2048) as listener:
        print(f"router: http://127.0.0.1:{listener.getsockname()[1]}/graphql is up", file=sys.stderr, flush=True)
        serve(watched(release, options), listener, release.settings.server)


if __name__ == "__main__":
    main()
