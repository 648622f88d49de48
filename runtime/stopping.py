"""How a process of ours learns that it should end."""

from __future__ import annotations

import asyncio
import signal
import threading


def stop_on_signals() -> asyncio.Event:
    """Return what is set when Ctrl-C or SIGTERM asks this process to end; call inside the running loop."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def stop_flag_on_signals() -> threading.Event:
    """Return the same for a process that runs no event loop; call from the main thread."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
