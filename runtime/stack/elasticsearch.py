"""Elasticsearch from Maven Central, run by us as a child process on loopback.

Debian has no package of it. What Maven Central has is Elastic's own build of the server without some of its modules
(scripts, `_reindex` and `_update_by_query`, most analysis): whatever of ours runs on it runs on a whole server, too.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.embedded.accounts import Account, account_for_root, make_account
from runtime.embedded.child import Child, start_child
from runtime.errors import StartError
from runtime.ports import answers, free_port
from runtime.stack.debian import program

VERSION: Final = "8.19.21"
"""The newest server that the 8.x client speaks with and Maven Central has."""
_HOMES: Final = Path("/usr/local/lib/storegraph")
_ARTIFACT: Final = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
_PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:unpack"
_ACCOUNT: Final = "storegraph-es"
_QUICK_START: Final = "-XX:TieredStopAtLevel=1"
"""Only the quick one of Java's two compilers: half of the work of a start, and slower after a minute."""


class ElasticsearchMissingError(StartError):
    """The machine has no Elasticsearch; the message says how to get it."""


@dataclass(slots=True)
class Elasticsearch:
    """A running server and how to reach it."""

    child: Child
    url: str

    @property
    def pid(self) -> int:
        """The process id of its launcher, which ends the server with itself."""
        return self.child.pid

    def running(self) -> bool:
        """Whether it has not ended."""
        return self.child.running()

    def stop(self) -> None:
        """Let it write down what it has and end."""
        self.child.stop(patience=30)


def installed() -> bool:
    """Whether the machine has it."""
    return _home().is_dir()


def install() -> None:
    """Fetch the server through Maven; needs the packages `maven` and `default-jre-headless`.

    Raises:
        ElasticsearchMissingError: we may not write where it belongs, or Maven failed; with what it said.
    """
    if installed():
        return
    try:
        _HOMES.mkdir(parents=True, exist_ok=True)
        fetched = Path(tempfile.mkdtemp(dir=_HOMES))
    except OSError as error:
        raise ElasticsearchMissingError(_how_to_install()) from error
    try:
        options = (f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={fetched}", f"-Dmdep.markersDirectory={fetched}")
        command = [program("maven"), "--batch-mode", "--quiet", _PLUGIN, *options]
        done = subprocess.run(command, cwd=fetched, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ElasticsearchMissingError(f"Maven could not fetch {_ARTIFACT}:\n{done.stdout.strip()[-2000:]}")
        (fetched / _home().name).rename(_home())
    finally:
        shutil.rmtree(fetched)


def start_elasticsearch(
    folder: Path, *, port: int = 0, heap: str = "512m", quick_start: bool = False, patience: float = 120.0
) -> Elasticsearch:
    """Start a server whose data are in `folder`; started again on the same folder, it has what it had.

    Anybody on this machine may use it: it listens on loopback only and knows no passwords.

    Args:
        folder: where its data, configuration and logs are.
        port: where it listens; a free one if not given.
        heap: Java's memory for it; the process takes about 300 MB more.
        quick_start: for servers that live for minutes, see `_QUICK_START`.
        patience: how many seconds it has until it answers.

    Raises:
        StartError: it is not installed, or did not come up; with the end of its log.
    """
    if not installed():
        raise ElasticsearchMissingError(_how_to_install())
    port = port or free_port()
    _prepare(folder, port)
    make_account(_ACCOUNT)
    account = account_for_root(_ACCOUNT, [folder, _home()])
    if account is not None:
        _give(account, folder)
    child = start_child(
        "Elasticsearch",
        [_home() / "bin" / "elasticsearch"],
        log=folder / "server.log",
        stop_signal=signal.SIGTERM,
        account=account,
        environment={
            "HOME": str(folder),
            "ES_JAVA_HOME": str(program("default-jre-headless").resolve().parents[1]),
            "ES_PATH_CONF": str(folder / "config"),
            "ES_TMPDIR": str(folder / "tmp"),
            "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap}{f' {_QUICK_START}' if quick_start else ''}",
        },
    )
    child.wait_until(lambda: _answers(port), patience=patience)
    return Elasticsearch(child, f"http://127.0.0.1:{port}")


def _home() -> Path:
    return _HOMES / f"elasticsearch-{VERSION}"


def _how_to_install() -> str:
    return "The machine lacks Elasticsearch. Install with: sudo storegraph services install"


def _prepare(folder: Path, port: int) -> None:
    """Write what the server reads at its start."""
    for name in ("data", "logs", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.copytree(_home() / "config", folder / "config", dirs_exist_ok=True)
    settings = {
        "cluster.name": "storegraph",
        "node.name": "storegraph",
        "discovery.type": "single-node",
        "network.host": "127.0.0.1",
        "http.port": port,
        "transport.port": free_port(),
        "path.data": str(folder / "data"),
        "path.logs": str(folder / "logs"),
        "xpack.security.enabled": False,
        "cluster.routing.allocation.disk.threshold_enabled": False,
    }
    # Values of JSON are values of YAML (YAML 1.2, section 1.3).
    lines = (f"{name}: {json.dumps(value)}\n" for name, value in settings.items())
    (folder / "config" / "elasticsearch.yml").write_text("".join(lines))


def _give(account: Account, folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.uid, account.gid)


def _answers(port: int) -> bool:
    """Whether it has found its indices again and takes requests."""
    return answers(port, "/_cluster/health?wait_for_status=yellow&timeout=1s", patience=5)
