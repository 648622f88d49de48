"""What a router serves at one time, and whether the files it was read from are still what they were."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

from router.config import RouterSettings
from router.supergraph import Supergraph

_Stamp: TypeAlias = tuple[int, int, int, int]
"""A file's number, when it was written, when it was put in place, and its size."""

_GRAIN: Final = 20_000_000
"""Nanoseconds by which a file system's clock may be behind."""


@dataclass(frozen=True, slots=True)
class Release:
    """A supergraph and the settings it is served with.

    Attributes:
        supergraph: what is served.
        settings: how.
        supergraph_id: tells this supergraph from others.
        settings_id: tells these settings from others.
        files: what both were read from.
        read_at: when that began, in nanoseconds since 1970.
    """

    supergraph: Supergraph
    settings: RouterSettings
    supergraph_id: str = ""
    settings_id: str = ""
    files: tuple[Path, ...] = ()
    read_at: int = 0


def content_id(text: str) -> str:
    """Return a short name for a text that no other text has."""
    return sha256(text.encode()).hexdigest()[:16]


class WatchedFiles:
    """Tells when the files of a release have changed.

    They are looked at, not listened to: that works wherever files can be, however they are replaced. A change counts
    only once two looks in a row have seen the same, so that a file is not read while it is being written.
    """

    def __init__(self, release: Release) -> None:
        self._files = release.files
        self._settled = self._unchanged_since(release.read_at)
        self._passing = self._stamps()

    def have_changed(self) -> bool:
        """Look, and tell whether the files have changed since this last said so."""
        stamps = self._stamps()
        at_rest = stamps == self._passing
        self._passing = stamps
        if not at_rest or stamps == self._settled:
            return False
        self._settled = stamps
        return True

    def follow(self, release: Release) -> None:
        """Go on with the files of another release."""
        if release.files != self._files:
            self._files = release.files
            self._settled = self._unchanged_since(release.read_at)
            self._passing = self._stamps()

    def _stamps(self) -> tuple[_Stamp, ...]:
        return tuple(_stamp(each) for each in self._files)

    def _unchanged_since(self, moment: int) -> tuple[_Stamp | None, ...]:
        """Stamp the files, but not those that changed while they were read: nobody knows what was read of them."""
        return tuple(None if max(each[1:3]) >= moment - _GRAIN else each for each in self._stamps())


def _stamp(file: Path) -> _Stamp:
    try:
        found = file.stat()
    except OSError:
        return (0, 0, 0, -1)
    return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
