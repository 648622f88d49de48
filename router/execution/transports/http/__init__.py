"""Subgraphs over HTTP: a lean client of our own for plain HTTP/1.1, and a library's for TLS and HTTP/2."""
