"""A backup's file is proved before it is used."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from runtime.backup.archive import ArchiveError, read_archive, write_archive


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    folder = tmp_path / "packed"
    (folder / "keys").mkdir(parents=True)
    (folder / "database.dump").write_bytes(b"rows" * 1000)
    (folder / "keys" / "signing").write_text("secret")
    target = tmp_path / "backup.tar"
    write_archive(target, folder, "2026-11-24T00:00:00+00:00", {"orders": "0003"})
    return target


def test_what_is_packed_comes_out(packed: Path, tmp_path: Path) -> None:
    manifest = read_archive(packed, tmp_path / "out")
    assert manifest.revisions == {"orders": "0003"}
    assert set(manifest.files) == {"database.dump", "keys/signing"}
    assert (tmp_path / "out" / "keys" / "signing").read_text() == "secret"


def test_only_its_owner_reads_it_and_nothing_half_written_is_left(packed: Path) -> None:
    assert packed.stat().st_mode & 0o777 == 0o600
    assert not list(packed.parent.glob("*.unfinished"))


def test_a_changed_byte_is_found(packed: Path, tmp_path: Path) -> None:
    whole = packed.read_bytes()
    at = whole.index(b"rowsrows") + 100
    packed.write_bytes(whole[:at] + b"X" + whole[at + 1 :])
    with pytest.raises(ArchiveError, match=r"damaged: database\.dump"):
        read_archive(packed, tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"not a tar", b"\x00" * 4096])
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ArchiveError, match="is not a backup"):
        read_archive(tmp_path / "file", tmp_path / "out")


def test_paths_that_lead_outside_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        member = tarfile.TarInfo("../outside")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(ArchiveError, match="is not a backup"):
        read_archive(tmp_path / "evil.tar", tmp_path / "out")
    assert not (tmp_path / "outside").exists()


def test_a_format_of_the_future_is_refused(packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    read_archive(packed, folder)
    manifest = {**json.loads((folder / "manifest.json").read_text()), "format": 9}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with tarfile.open(tmp_path / "future.tar", "w") as archive:
        archive.add(folder, ".")
    with pytest.raises(ArchiveError, match="format 9"):
        read_archive(tmp_path / "future.tar", tmp_path / "out")
