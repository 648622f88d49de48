"""Subgraphs over HTTP: a lean client of our own for plain HTTP/1.1, and a library's for TLS and HTTP/2."""

from router.execution.transports.http.network import HttpNetwork
from router.execution.transports.http.settings import HttpSettings

__all__ = ["HttpNetwork", "HttpSettings"]
