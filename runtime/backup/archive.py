"""The file of a backup: a tar with a manifest, whose checksums are proved before anything is restored."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from runtime.errors import StartError

FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_PIECE: Final = 1 << 20


class ArchiveError(StartError):
    """The file is no backup, is damaged, or is of a version that this one does not know."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes:
        made_at: when, ISO 8601 in UTC; every change committed before is in it.
        revisions: of each subgraph's tables.
        files: the SHA-256 of each file by its path in the archive.
        format: of the archive.
    """

    made_at: str
    revisions: Mapping[str, str]
    files: Mapping[str, str]
    format: int = FORMAT


def write_archive(target: Path, folder: Path, made_at: str, revisions: Mapping[str, str]) -> Manifest:
    """Pack a folder's files into `target`, readable by its owner only; it appears there whole or not at all."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = Manifest(made_at, revisions, {str(path.relative_to(folder)): _digest(path) for path in files})
    (folder / _MANIFEST).write_text(json.dumps(asdict(manifest), indent=2))
    unfinished = target.with_name(f"{target.name}.unfinished")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            for path in (folder / _MANIFEST, *files):
                archive.add(path, str(path.relative_to(folder)))
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(target)
    return manifest


def read_archive(source: Path, folder: Path) -> Manifest:
    """Unpack a backup into `folder` and prove its checksums.

    Raises:
        ArchiveError: it is not one, or not as it was written.
    """
    try:
        with tarfile.open(source, "r:") as archive:
            archive.extractall(folder, filter="data")
        manifest = Manifest(**json.loads((folder / _MANIFEST).read_text()))
    except (OSError, tarfile.TarError, ValueError, TypeError) as error:
        raise ArchiveError(f"{source} is not a backup of Storegraph ({error}).") from error
    if manifest.format != FORMAT:
        raise ArchiveError(f"{source} has format {manifest.format}; this version reads format {FORMAT}.")
    damaged = [name for name, digest in manifest.files.items() if not _is(folder / name, digest)]
    if damaged:
        raise ArchiveError(f"{source} is damaged: {', '.join(damaged)} is not what was written. Nothing was restored.")
    return manifest


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and _digest(path) == digest


def _digest(path: Path) -> str:
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            whole.update(piece)
    return whole.hexdigest()
