"""Hostile requests to a router process: bounded time and memory, a GraphQL error, and the next client is served."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from tests.router.robustness.requests import REQUESTS

SECONDS = 5
MEGABYTES = 150


@pytest.fixture(scope="module")
def worst(note):
    """The dearest request, in CPU seconds and in MB."""
    figures = {"CPU seconds of the worst request": 0.0, "MB that the worst request took": 0.0}
    yield figures
    for name, figure in figures.items():
        note(name, figure)


@pytest.fixture(autouse=True)
def _still_served(router):
    yield
    assert router.ask('{ item(how: "ok") { id score } }').json() == {"data": {"item": {"id": "1", "score": 1}}}


@pytest.mark.parametrize("name", REQUESTS)
def test_request(router, name, worst):
    """It is answered in time, within memory, and refused by one of the codes that say why."""
    hostile = REQUESTS[name]
    router.forget_peak()
    begun, used, before = time.monotonic(), router.cpu_seconds, router.memory

    answer = router.post(hostile.body)

    errors = answer.json().get("errors", [])
    codes = {error["extensions"]["code"] for error in errors}
    assert codes <= hostile.codes, errors[:3]
    assert errors or not hostile.codes or "" in hostile.codes
    assert all(set(error) <= {"message", "locations", "path", "extensions"} for error in errors)
    assert len(answer.body) < len(hostile.body) + 200_000
    took = {
        "CPU seconds of the worst request": router.cpu_seconds - used,
        "MB that the worst request took": router.peak_memory - before,
    }
    worst.update({key: max(each, worst[key]) for key, each in took.items()})
    assert took["CPU seconds of the worst request"] < SECONDS
    assert time.monotonic() - begun < SECONDS * 4
    assert router.peak_memory - before < MEGABYTES
    assert router.process.poll() is None


def test_body_of_100_megabytes(router):
    """The body is refused before it is read, however it is announced."""
    router.forget_peak()
    before = router.memory
    for announced in (True, False):
        with contextlib.closing(socket.create_connection(("127.0.0.1", router.port), timeout=20)) as client:
            head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            client.sendall(
                head + (b"content-length: 100000000\r\n\r\n" if announced else b"transfer-encoding: chunked\r\n\r\n")
            )
            piece = b" " * 100_000 if announced else b"186a0\r\n" + b" " * 100_000 + b"\r\n"
            with contextlib.suppress(OSError):
                for _ in range(1000):
                    client.sendall(piece)
            with contextlib.suppress(ConnectionError):
                assert b" 413 " in client.recv(100)
    assert router.peak_memory - before < 30


def test_head_of_100_megabytes(router):
    """Headers without end do not fill the memory."""
    router.forget_peak()
    before = router.memory
    with contextlib.closing(socket.create_connection(("127.0.0.1", router.port), timeout=20)) as client:
        client.sendall(b"POST /graphql HTTP/1.1\r\nhost: x\r\n")
        with contextlib.suppress(OSError):
            for number in range(1000):
                client.sendall(b"x-%d: " % number + b"y" * 100_000 + b"\r\n")
    assert router.peak_memory - before < 30


def test_requests_that_never_end(router):
    """Clients that send a part and wait keep nobody else waiting."""
    clients = [socket.create_connection(("127.0.0.1", router.port)) for _ in range(200)]
    for client in clients:
        client.sendall(
            b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\r\n{"
        )
    assert router.ask("{ take(any: 1) }").status == 200
    for client in clients:
        client.close()


def test_body_of_a_million_chunks(router):
    """A body that comes byte by byte costs no more memory than one that comes at once."""
    router.forget_peak()
    before, used = router.memory, router.cpu_seconds
    query = b'{"query":"{ take(any: 1) }"}'
    with contextlib.closing(socket.create_connection(("127.0.0.1", router.port), timeout=20)) as client:
        client.sendall(
            b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        client.sendall(b"1\r\n \r\n" * 1_000_000 + b"%x\r\n%b\r\n0\r\n\r\n" % (len(query), query))
        assert client.recv(10_000).startswith(b"HTTP/1.1 200 ")
    assert router.peak_memory - before < 60
    assert router.cpu_seconds - used < SECONDS


def test_requests_in_a_row_without_waiting(router):
    """A thousand requests written at once are answered one after the other, in order."""
    body = b'{"query":"{ take(any: 1) }"}'
    request = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
    received = b""
    with contextlib.closing(socket.create_connection(("127.0.0.1", router.port), timeout=20)) as client:
        client.sendall(request % (len(body), body) * 1000)
        while received.count(b"HTTP/1.1 200 ") < 1000 or not received.endswith(b"}"):
            piece = client.recv(100_000)
            assert piece
            received += piece
