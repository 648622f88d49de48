"""HTTP/1.1 as it comes from real and from odd clients, byte by byte."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BODY = b'{"query":"{ best { rating } }"}'
HEAD = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
POST = HEAD + b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)
ANSWER = {"data": {"best": {"rating": 4}}}


@contextmanager
def connection(router: Any) -> Iterator[Any]:
    host, _, port = router.origin.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        yield client


def read_response(stream: Any) -> tuple[int, dict[bytes, bytes], bytes]:
    """Read one response with a known length; one that announces more to come has neither."""
    status = int(stream.readline().split()[1])
    headers: dict[bytes, bytes] = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    return status, headers, stream.read(int(headers.get(b"content-length", 0)))


@pytest.fixture(scope="module")
def router(start_lasting_router: Any, supergraph: Path) -> Any:
    return start_lasting_router(supergraph, yaml="limits: {body_bytes: 5000}")


def test_a_connection_is_kept_for_many_requests(router: Any) -> None:
    with connection(router) as client, client.makefile("rb") as stream:
        for _ in range(3):
            client.sendall(POST)
            status, _, body = read_response(stream)
            assert (status, json.loads(body)) == (200, ANSWER)


def test_requests_sent_at_once_are_answered_in_order(router: Any) -> None:
    with connection(router) as client, client.makefile("rb") as stream:
        client.sendall(POST + b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n" + POST)

        bodies = [json.loads(read_response(stream)[2]) for _ in range(3)]

    assert bodies == [ANSWER, {"status": "UP"}, ANSWER]


def test_a_client_that_asks_before_it_sends_its_body_is_told_to_go_on(router: Any) -> None:
    with connection(router) as client, client.makefile("rb") as stream:
        client.sendall(HEAD + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(BODY))
        assert read_response(stream)[0] == 100
        client.sendall(BODY)

        assert json.loads(read_response(stream)[2]) == ANSWER


def test_a_body_may_come_in_chunks_and_bit_by_bit(router: Any) -> None:
    with connection(router) as client, client.makefile("rb") as stream:
        client.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        for part in (BODY[:5], BODY[5:]):
            client.sendall(b"%x\r\n%b\r\n" % (len(part), part))
        client.sendall(b"0\r\n\r\n")

        assert json.loads(read_response(stream)[2]) == ANSWER


def test_head_is_a_get_without_its_body(router: Any) -> None:
    with connection(router) as client, client.makefile("rb") as stream:
        client.sendall(b"HEAD /health HTTP/1.1\r\nhost: x\r\n\r\n")
        assert stream.readline().startswith(b"HTTP/1.1 200")
        while stream.readline().strip():
            pass
        client.sendall(POST)

        assert json.loads(read_response(stream)[2]) == ANSWER


def test_an_endless_body_is_not_waited_for(router: Any) -> None:
    with connection(router) as client, client.makefile("rb") as stream:
        client.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        client.sendall(b"1771\r\n" + b" " * 6001 + b"\r\n")

        status, headers, body = read_response(stream)

    assert status == 413
    assert headers[b"connection"] == b"close"
    assert json.loads(body)["errors"][0]["extensions"]["code"] == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize("size", [60_000, 70_000])
def test_a_head_has_a_bound(router: Any, size: int) -> None:
    with connection(router) as client, client.makefile("rb") as stream:
        for start in range(0, size, 10_000):
            client.sendall(b"GET /health/live HTTP/1.1\r\nhost: x\r\nx-much: " * (start == 0) + b"a" * 10_000)
            time.sleep(0.01)
        if size < 65_536:
            client.sendall(b"\r\n\r\n")

        assert stream.readline().split()[1] == (b"200" if size < 65_536 else b"431")


def test_a_body_that_does_not_come_is_given_up(start_router: Any, supergraph: Path) -> None:
    router = start_router(supergraph, yaml="server: {request_timeout: 0.5, keep_alive: 1}")
    with connection(router) as client, client.makefile("rb") as stream:
        client.sendall(POST[:-5])
        status, headers, _ = read_response(stream)
        assert (status, headers[b"connection"]) == (408, b"close")
        assert stream.read() == b""

    with connection(router) as silent:
        assert silent.recv(1) == b""


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nbad header: 1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_and_the_router_stays_up(router: Any, noise: bytes) -> None:
    with connection(router) as client, client.makefile("rb") as stream:
        client.sendall(noise)
        assert stream.readline().startswith(b"HTTP/1.1 400")

    assert router.ask("{ best { rating } }") == ANSWER


def test_half_requests_and_clients_that_hang_up_do_no_harm(router: Any) -> None:
    for part in (POST[:20], POST[:90], POST[:-5], POST):
        with connection(router) as client:
            client.sendall(part)

    assert router.ask("{ best { rating } }") == ANSWER
