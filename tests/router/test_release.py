"""Whether the files of a release have changed, however that happens."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, cast

import pytest

from router.composition.command import write_atomically
from router.config import RouterSettings
from router.release import Release, WatchedFiles, content_id
from router.supergraph import Supergraph


def release(*files: Path, read_at: int | None = None) -> Release:
    began = time.time_ns() + 1_000_000_000 if read_at is None else read_at
    return Release(cast("Supergraph", None), RouterSettings(), files=files, read_at=began)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a"
    path.write_text("a")
    return path


def looks(files: WatchedFiles, count: int = 3) -> list[bool]:
    return [files.have_changed() for _ in range(count)]


def test_nothing_has_changed(file: Path) -> None:
    assert looks(WatchedFiles(release(file))) == [False, False, False]


def test_a_change_counts_once_when_it_has_come_to_rest(file: Path) -> None:
    files = WatchedFiles(release(file))
    file.write_text("bb")

    assert looks(files) == [False, True, False]


def test_a_file_that_is_being_written_is_left_alone(file: Path) -> None:
    files = WatchedFiles(release(file))
    seen = []
    for size in range(2, 6):
        file.write_text("b" * size)
        seen.append(files.have_changed())

    assert seen == [False] * 4
    assert looks(files) == [True, False, False]


def replaced(file: Path) -> None:
    write_atomically(file, "a")


def removed(file: Path) -> None:
    file.unlink()


def moved_in(file: Path) -> None:
    other = file.with_name("b")
    other.write_text("a")
    os.utime(other, ns=(1, file.stat().st_mtime_ns))
    other.rename(file)


@pytest.mark.parametrize("change", [replaced, removed, moved_in])
def test_files_change_in_many_ways(file: Path, change: Any) -> None:
    files = WatchedFiles(release(file))

    change(file)

    assert looks(files) == [False, True, False]


def test_a_link_is_followed(tmp_path: Path, file: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    files = WatchedFiles(release(link))
    other = tmp_path / "other"
    other.write_text("other")

    link.unlink()
    link.symlink_to(other)

    assert looks(files) == [False, True, False]


def test_what_changed_while_it_was_read_is_read_again(file: Path) -> None:
    files = WatchedFiles(release(file, read_at=file.stat().st_mtime_ns - 1))

    assert looks(files) == [True, False, False]


def test_other_files_take_over(file: Path, tmp_path: Path) -> None:
    files = WatchedFiles(release(file))
    other = tmp_path / "other"
    other.write_text("a")
    files.follow(release(other))

    file.write_text("bb")
    assert looks(files) == [False, False, False]
    other.write_text("bb")
    assert looks(files) == [False, True, False]


def test_texts_have_names() -> None:
    assert content_id("a") == content_id("a") != content_id("b")
