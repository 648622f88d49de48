"""Finds out whether a port can be had before anything is started, and whether something answers there afterwards."""

from __future__ import annotations

import socket
from http.client import HTTPConnection, HTTPException

from runtime.errors import PortInUseError


def insist_on_free_port(host: str, port: int) -> None:
    """Return when we can listen there.

    Raises:
        PortInUseError: somebody listens there, or we may not.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise PortInUseError(
                f"Port {port} on {host} cannot be used: {reason}. Choose another with --port."
            ) from error


def free_port(host: str = "127.0.0.1") -> int:
    """Name a port that nobody listens on now; whoever wants it should take it soon."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def preferred_port(port: int) -> int:
    """Give this port if nobody listens on it now, else another one that is free."""
    try:
        insist_on_free_port("127.0.0.1", port)
    except PortInUseError:
        return free_port()
    return port


def answers(port: int, path: str, *, patience: float) -> bool:
    """Whether what listens on a port of this machine answers a GET with 200, within so many seconds."""
    connection = HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
