"""A server of S3's protocol for tests (moto, in an environment of its own), in memory; it checks no signatures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from runtime.ports import free_port
from tests.python_tools import python_tool, serving

PACKAGE: Final = "moto[s3,server]==5.2.5"
BUCKET: Final = "pictures"
_ANYBODY: Final = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


@contextmanager
def s3_server(log: Path) -> Iterator[str]:
    """Run a server with a bucket and give its URL; where it is not to be had, skip the test."""
    port = free_port()
    command = [python_tool(PACKAGE) / "moto_server", "-H", "127.0.0.1", "-p", str(port)]
    endpoint = f"http://127.0.0.1:{port}"
    with serving(command, log, lambda: _make_bucket(endpoint)):
        yield endpoint


def _make_bucket(endpoint: str) -> None:
    try:
        httpx.put(f"{endpoint}/{BUCKET}", headers={"authorization": _ANYBODY}).raise_for_status()
    except httpx.TransportError as error:
        raise ConnectionError(str(error)) from error
