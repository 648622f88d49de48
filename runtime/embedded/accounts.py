"""Accounts for servers that refuse to run as root, or had better not."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """The system account that a child runs under; None of it means our own."""

    name: str
    uid: int
    gid: int


def make_account(name: str) -> None:
    """Make a system account if we are root and there is none of that name."""
    if os.geteuid() != 0:
        return
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", name], check=True, capture_output=True)


def account_for_root(name: str, paths: Iterable[Path]) -> Account | None:
    """Give the account to run under when we are root, let through to `paths`; None when we are not root."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(name)
    for path in paths:
        for folder in (path, *path.parents):
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH and folder.stat().st_uid != entry.pw_uid:
                folder.chmod(mode | stat.S_IXOTH)
    return Account(name, entry.pw_uid, entry.pw_gid)
