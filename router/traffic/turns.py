"""Work that is put off to the end of a turn of the event loop: writing to sockets.

A write wakes its reader, which on a busy machine takes the processor away there and then, does its one small thing and
gives it back. When all that has arrived is worked on first and everything is written after that, each side finds more
to do when it wakes, and all of them spend less.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class Turn:
    """What is to be done at the end of the present turn."""

    __slots__ = ("_works",)

    def __init__(self) -> None:
        self._works: list[tuple[Callable[[Any], object], Any]] = []

    def end_with(self, work: Callable[[Any], object], argument: Any) -> None:
        """Call a function at the end of the turn, after those that were put off before."""
        if not self._works:
            asyncio.get_running_loop().call_soon(self._end)
        self._works.append((work, argument))

    def _end(self) -> None:
        works = self._works
        self._works = []
        for work, argument in works:
            try:
                work(argument)
            except Exception as error:
                context = {"message": "the end of a turn failed", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)
