"""The sockets that the router listens on, opened before anything is started so that a fault is told at once.

Each worker has a socket of its own on the same port, and the kernel spreads the connections over them. The first
process keeps all of them open: what waits at a worker that died is taken up by the one that replaces it.
"""

from __future__ import annotations

import errno
import socket
from typing import Final

_BACKLOG: Final = 2_048


class ListenError(Exception):
    """The router cannot listen there; the message is one line that says what to do."""


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """Open `count` listening sockets on one port.

    Raises:
        ListenError: the port is taken, or the address is not this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # Sharing a port is only for our own workers: a stranger who would share it too is found by asking without.
        probe = _bind(family, address, shared=False)
        if count == 1:
            return [_open(probe)]
        taken = probe.getsockname()
        probe.close()
        return [_open(_bind(family, taken, shared=True)) for _ in range(count)]
    except socket.gaierror as error:
        raise ListenError(f"'{host}' is no address to listen on; try --host 127.0.0.1") from error
    except OSError as error:
        raise ListenError(_advice(error, host, port)) from error


def _bind(family: int, address: tuple[object, ...], *, shared: bool) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _open(listener: socket.socket) -> socket.socket:
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


def _advice(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is taken: stop what listens there, or choose another with --port"
        case errno.EACCES | errno.EPERM:
            return f"port {port} needs more rights than this user has: choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine; try --host 127.0.0.1"
        case _:
            return f"cannot listen on {host} port {port}: {error.strerror}"
