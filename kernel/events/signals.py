"""Loops that work while there is work, sleep until woken, and outlive what fails in them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from kernel import telemetry

_log = telemetry.get_logger("delivery")


@dataclass(slots=True)
class Signal:
    """Wakes the loops that wait on it; says when they should end."""

    running: bool = True
    _events: list[asyncio.Event] = field(default_factory=list)

    def subscribe(self) -> asyncio.Event:
        """Give a loop the event that wakes it."""
        event = asyncio.Event()
        self._events.append(event)
        return event

    def set(self) -> None:
        """Wake every loop."""
        for event in self._events:
            event.set()

    def stop(self) -> None:
        """Let every loop end after what it does now."""
        self.running = False
        self.set()


async def keep_at(signal: Signal, work: Callable[[], Awaitable[int]], *, poll_every: float, pace: float) -> None:
    """Do a round of work whenever woken, and survive whatever it raises.

    Rounds begin `pace` seconds after each other at the earliest: the first after a rest at once, and what comes in
    quick succession is done together. One that did something is followed by another, woken or not; after one that
    found nothing `poll_every` seconds may pass.
    """
    wake, loop = signal.subscribe(), asyncio.get_running_loop()
    while signal.running:
        wake.clear()
        began = loop.time()
        try:
            busy = await work() > 0
        except Exception as error:  # the loop outlives a database or a broker that is away
            _log.warning("delivery paused", error=repr(error))
            await asyncio.sleep(0.5)
            continue
        if not busy:
            with suppress(TimeoutError):
                async with asyncio.timeout(poll_every):
                    await wake.wait()
        if signal.running:
            await asyncio.sleep(began + pace - loop.time())
