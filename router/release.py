"""What a router serves at one time, and whether the files it was read from are still what they were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from router.config import RouterSettings
from router.supergraph import Supergraph

_Stamp: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Release:
    """A supergraph and the settings it is served with.

    Attributes:
        supergraph: what is served.
        settings: how.
        supergraph_id: tells this supergraph from others.
        settings_id: tells these settings from others.
        files: what both were read from.
    """

    supergraph: Supergraph
    settings: RouterSettings
    supergraph_id: str = ""
    settings_id: str = ""
    files: tuple[Path, ...] = ()


def content_id(text: str) -> str:
    """Return a short name for a text that no other text has."""
    return sha256(text.encode()).hexdigest()[:16]


class WatchedFiles:
    """Tells when files have changed.

    They are looked at, not listened to: that works wherever files can be, however they are replaced. A change counts
    only once two looks in a row have seen the same, so that a file is not read while it is being written.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = tuple(files)
        self._settled = self._passing = self._stamps()

    def have_changed(self) -> bool:
        """Look, and tell whether the files have changed since this last said so."""
        stamps = self._stamps()
        at_rest = stamps == self._passing
        self._passing = stamps
        if not at_rest or stamps == self._settled:
            return False
        self._settled = stamps
        return True

    def follow(self, files: Iterable[Path]) -> None:
        """Go on with other files."""
        if (chosen := tuple(files)) != self._files:
            self._files = chosen
            self._settled = self._passing = self._stamps()

    def _stamps(self) -> tuple[_Stamp, ...]:
        return tuple(_stamp(each) for each in self._files)


def _stamp(file: Path) -> _Stamp:
    try:
        found = file.stat()
    except OSError:
        return (0, 0, -1)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
