"""Files that are generated from the code and kept in the project: written, or compared with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_files(folder: Path, files: Mapping[str, str]) -> int:
    """Write files by their paths below a folder, and say how many; the exit code."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    print(f"{len(files)} files in {folder}")
    return 0


def report_stale(folder: Path, files: Mapping[str, str], command: str) -> int:
    """Name generated files that differ or should not be there, and the command that writes them; the exit code."""

    def differs(name: str, content: str) -> bool:
        path = folder / name
        return not path.exists() or path.read_text() != content

    stale = [name for name, content in files.items() if differs(name, content)]
    known = {folder / name for name in files}
    left_over = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".graphql", ".json"} and path not in known
    ]
    if stale or left_over:
        names = ", ".join([*stale, *left_over])
        print(f"Stale in {folder.name}/: {names}. Run `{command}` and commit the result.")
        return 1
    return 0
