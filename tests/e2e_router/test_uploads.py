"""Files through a running router: streamed on to the subgraph while they arrive, within bounded memory."""

from __future__ import annotations

import hashlib
import json
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from python_multipart import FormParser

from router.composition import Composed, Subgraph, compose

SDL = """
  scalar Upload
  type Query { ping: String }
  type Mutation { store(file: Upload!, note: String): String! }
"""
YAML = "uploads: {enabled: true, file_bytes: 80000000}"
MEGABYTE = b"0123456789abcdef" * 65_536
HEAD = (
    b"POST /graphql HTTP/1.1\r\nhost: x\r\napollo-require-preflight: 1\r\n"
    b"content-type: multipart/form-data; boundary=x\r\ncontent-length: %d\r\n\r\n"
)
BEGIN = (
    b'--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n'
    b'{"query":"mutation ($file: Upload!) { store(file: $file, note: \\"n\\") }","variables":{"file":null}}\r\n'
    b'--x\r\ncontent-disposition: form-data; name="map"\r\n\r\n{"0":["variables.file"]}\r\n'
    b'--x\r\ncontent-disposition: form-data; name="0"; filename="a.bin"\r\n\r\n'
)
END = b"\r\n--x--\r\n"


class Store:
    """A subgraph that takes files and answers with their digest."""

    def __init__(self) -> None:
        self.received = 0
        self.begun = threading.Event()
        self.operations: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        digest = hashlib.sha256()
        headers = dict(scope["headers"])
        fields: dict[str, Any] = {}
        files: list[Any] = []
        options = dict(part.split("=") for part in headers[b"content-type"].decode().split("; ")[1:])
        parser = FormParser(
            "multipart/form-data",
            lambda field: fields.update({field.field_name: field.value}),
            files.append,
            boundary=options["boundary"].encode(),
        )
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            parser.write(message.get("body", b""))
            self.received += len(message.get("body", b""))
            if self.received > len(MEGABYTE):
                self.begun.set()
            more = message.get("more_body", False)
        parser.finalize()
        self.operations = json.loads(fields[b"operations"])
        (file,) = files
        file.file_object.seek(0)
        while piece := file.file_object.read(65_536):
            digest.update(piece)
        file.close()
        body = json.dumps({"data": {"store": digest.hexdigest()}}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def store() -> Iterator[tuple[Store, str]]:
    app = Store()
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield app, f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def router(store: Any, start_router: Any, tmp_path: Path) -> Any:
    composed = compose([Subgraph("files", SDL, store[1])])
    assert isinstance(composed, Composed), composed
    (tmp_path / "files.graphql").write_text(composed.supergraph_sdl)
    return start_router(tmp_path / "files.graphql", yaml=YAML)


def connect(router: Any) -> socket.socket:
    host, _, port = router.origin.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def answer_of(client: socket.socket) -> tuple[int, Any, bool]:
    """Return status and body of an answer, and whether the connection is kept."""
    with client.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers = dict(line.lower().split(b": ") for line in iter(lambda: stream.readline().strip(), b""))
        return status, json.loads(stream.read(int(headers[b"content-length"]))), b"connection" not in headers


def peak_memory(router: Any) -> float:
    status = Path(f"/proc/{router.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def test_a_file_travels_on_while_it_arrives(router: Any, store: Any) -> None:
    size = 40
    with connect(router) as client:
        before = peak_memory(router)
        client.sendall(HEAD % (len(BEGIN) + size * len(MEGABYTE) + len(END)) + BEGIN + MEGABYTE * 2)

        assert store[0].begun.wait(20), "the subgraph has got nothing before the client had sent all"
        for _ in range(size - 2):
            client.sendall(MEGABYTE)
        client.sendall(END)
        status, body, kept = answer_of(client)

    digest = hashlib.sha256(MEGABYTE * size).hexdigest()
    assert (status, body, kept) == (200, {"data": {"store": digest}}, True)
    assert store[0].operations["variables"] == {"file": None}
    assert peak_memory(router) - before < 25


def test_a_file_beyond_its_bound_is_refused_and_the_rest_is_not_read(router: Any) -> None:
    sent = 0
    with connect(router) as client:
        client.sendall(HEAD % 100_000_000_000 + BEGIN)
        while not select.select([client], [], [], 0)[0]:
            client.sendall(MEGABYTE)
            sent += 1
            assert sent < 500, "all of it was read"
        status, body, kept = answer_of(client)

    assert (status, kept) == (413, False)
    assert body["errors"][0]["extensions"]["code"] == "MAX_FILE_SIZE_LIMIT_EXCEEDED"


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(router: Any, store: Any) -> None:
    with connect(router) as client:
        client.sendall(HEAD % 50_000_000 + BEGIN + MEGABYTE * 3)
        assert store[0].begun.wait(20)

    with connect(router) as client:
        client.sendall(HEAD % (len(BEGIN) + 5 + len(END)) + BEGIN + b"after" + END)
        status, body, _ = answer_of(client)

    assert (status, body) == (200, {"data": {"store": hashlib.sha256(b"after").hexdigest()}})


def test_forms_need_proof_that_no_page_forged_them(router: Any) -> None:
    body = BEGIN + b"a" + END
    with connect(router) as client:
        head = HEAD.replace(b"apollo-require-preflight: 1\r\n", b"")
        client.sendall(head % len(body) + body)

        status, answer, _ = answer_of(client)

    assert (status, answer["errors"][0]["extensions"]["code"]) == (400, "CSRF_ERROR")
