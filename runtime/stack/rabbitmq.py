"""RabbitMQ from Debian's package (`apt-get install rabbitmq-server`), run by us as a child process on loopback.

Each broker has its own node name, cookie, data and port mapper (epmd), so that it meets no other broker of the machine.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.embedded.accounts import Account, account_for_root
from runtime.embedded.child import Child, start_child
from runtime.errors import ServerNotStartedError
from runtime.ports import free_port
from runtime.stack.debian import program

_LIBRARY: Final = Path("/usr/lib/rabbitmq")
_ACCOUNT: Final = "rabbitmq"
_USER: Final = "storegraph"
_PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"
_CONFIGURATION: Final = """\
listeners.tcp.1 = 127.0.0.1:{port}
default_user = {user}
default_pass = {password}
vm_memory_high_watermark.absolute = 512MiB
disk_free_limit.absolute = 50MB
log.console = true
log.console.level = warning
log.file = false
"""


@dataclass(slots=True)
class RabbitMQ:
    """A running broker and how to reach it."""

    child: Child
    port_mapper: Child
    url: str

    @property
    def pid(self) -> int:
        """The process id; the broker and all it started are the process group of that id."""
        return self.child.pid

    def running(self) -> bool:
        """Whether it has not ended."""
        return self.child.running()

    def stop(self) -> None:
        """Let the broker write down what it has and end, then its port mapper."""
        self.child.stop(patience=30)
        self.port_mapper.stop()


def start_rabbitmq(folder: Path, *, port: int = 0) -> RabbitMQ:
    """Start a broker whose data are in `folder`; started again on the same folder and port, it has what it had.

    Raises:
        StartError: the package is missing, or the broker did not come up; with the end of its log.
    """
    server = program("rabbitmq-server")
    port = port or free_port()
    password = _prepare(folder, port)
    account = account_for_root(_ACCOUNT, [folder])
    if account is not None:
        _give(account, [folder, *folder.rglob("*")])
    mapper_port = free_port()
    environment = _environment(folder, port, mapper_port)
    mapper = start_child(
        "epmd",
        ["epmd", "-address", "127.0.0.1", "-port", str(mapper_port)],
        log=folder / "epmd.log",
        stop_signal=signal.SIGKILL,
        account=account,
    )
    child = start_child(
        "RabbitMQ",
        [server],
        log=folder / "server.log",
        stop_signal=signal.SIGTERM,
        account=account,
        environment=environment,
    )
    try:
        child.wait_until(lambda: _answers(port), patience=90.0)
    except ServerNotStartedError:
        mapper.stop()
        raise
    return RabbitMQ(child, mapper, f"amqp://{_USER}:{password}@127.0.0.1:{port}/")


def _prepare(folder: Path, port: int) -> str:
    """Write what the broker reads at its start; return the password, which stays what it was."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("mnesia", "log", "schema"):
        (folder / name).mkdir(exist_ok=True)
    password = _kept_secret(folder / "password")
    _kept_secret(folder / ".erlang.cookie")
    (folder / "rabbitmq.conf").write_text(_CONFIGURATION.format(port=port, user=_USER, password=password))
    for name in ("enabled_plugins", "none"):
        (folder / name).write_text("[]." if name == "enabled_plugins" else "")
    return password


def _kept_secret(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(20))
        path.chmod(0o400)
    return path.read_text()


def _environment(folder: Path, port: int, mapper_port: int) -> dict[str, str]:
    """Keep the broker in its folder and on loopback, and tell it not to spin while idle."""
    return {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"storegraph{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_SCHEMA_DIR": str(folder / "schema"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_PID_FILE": str(folder / "broker.pid"),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(mapper_port),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        "LANG": "C.UTF-8",
        "PATH": f"{_LIBRARY}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }


def _give(account: Account, paths: Iterable[Path]) -> None:
    for path in paths:
        os.chown(path, account.uid, account.gid)


def _answers(port: int) -> bool:
    """Whether the broker answers a protocol header as AMQP 0-9-1 says (section 4.2.2)."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as probe:
            probe.sendall(_PROTOCOL_HEADER)
            return bool(probe.recv(8))
    except OSError:
        return False
