"""The data directory has one owner, survives crashes and refuses what isn't ours."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.embedded.data_directory import DataDirectory
from runtime.errors import AlreadyRunningError, DataDirectoryUnusableError


def test_a_second_owner_is_told_who_runs_where(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "data") as first:
        first.announce(url="http://localhost:4000/graphql")

        with pytest.raises(AlreadyRunningError) as refused, DataDirectory(tmp_path / "data"):
            pass

    assert f"process {os.getpid()}" in str(refused.value)
    assert "http://localhost:4000/graphql" in str(refused.value)


def test_the_lock_of_a_killed_owner_does_not_block(tmp_path: Path) -> None:
    held = (
        "import os, sys; from pathlib import Path; from runtime.embedded.data_directory import DataDirectory\n"
        "with DataDirectory(Path(sys.argv[1])) as d: d.announce(url='x'); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", held, str(tmp_path / "data")], check=False)

    assert killed.returncode == -9
    with DataDirectory(tmp_path / "data"):
        assert (tmp_path / "data" / "owner.json").exists()


def test_secrets_are_made_once_and_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "data") as directory:
        first = directory.secrets()

        assert first == directory.secrets()
        assert stat.S_IMODE((directory.root / "secrets.json").stat().st_mode) == 0o600


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(DataDirectoryUnusableError, match="holds something else"), DataDirectory(tmp_path):
        pass

    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_path_that_cannot_be_a_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DataDirectoryUnusableError) as refused, DataDirectory(tmp_path / "file" / "data"):
        pass

    assert "\n" not in str(refused.value)
    assert "--data-dir" in str(refused.value)


def test_reset_deletes_the_data_but_keeps_the_lock(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "data") as directory:
        directory.secrets()
        (directory.root / "postgres").mkdir()

        directory.reset()

        assert sorted(entry.name for entry in directory.root.iterdir()) == [
            "keys",
            "lock",
            "logs",
            "mailbox",
            "storegraph-data",
        ]
        with pytest.raises(AlreadyRunningError), DataDirectory(directory.root):
            pass


def test_a_long_path_still_gets_a_socket_directory(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / ("long" * 20) / "data") as directory:
        sockets = directory.socket_directory()

        assert len(os.fsencode(sockets)) <= 90
        assert stat.S_IMODE(sockets.stat().st_mode) & 0o077 in {0, 0o001}
