"""supergraph.yaml in rover's format: what is read, and how each mistake is told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from router.composition import ConfigError, SchemaReadError, load_subgraphs, read_config


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a configuration and returns its path."""

    def write(text):
        path = tmp_path / "supergraph.yaml"
        path.write_text(text)
        return path

    return write


def problems(path):
    """Return the lines of the error that a configuration gives."""
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    return [line.removeprefix(str(path)) for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("text", "version"),
    [("2", None), ("=2.9.0", (2, 9)), ("=2.3.1", (2, 3)), ("2.5", (2, 5)), ('"2"', None)],
)
def test_federation_version(write, text, version):
    path = write(f"federation_version: {text}\nsubgraphs: {{a: {{routing_url: u, schema: {{sdl: x}}}}}}")

    assert read_config(path).federation_version == version


def test_sources(write, tmp_path, monkeypatch):
    monkeypatch.setenv("ORDERS_HOST", "orders.internal")
    path = write(
        """
subgraphs:
  a: {routing_url: "http://a", schema: {file: sub/a.graphql}}
  b: {routing_url: "http://${env.ORDERS_HOST}", schema: {sdl: "type Query { b: Int }"}}
  c: {schema: {subgraph_url: "http://${env.ABSENT:-c.local}", introspection_headers: {x-key: secret}}}
"""
    )

    config = read_config(path)
    a, b, c = config.subgraphs

    assert a.file == tmp_path / "sub" / "a.graphql"
    assert (b.routing_url, b.sdl) == ("http://orders.internal", "type Query { b: Int }")
    assert (c.routing_url, c.introspection_headers) == ("http://c.local", {"x-key": "secret"})
    assert config.files == [path, tmp_path / "sub" / "a.graphql"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [": the file: a mapping is expected", ": has no subgraphs"]),
        ("- a", [":1: the file: a mapping is expected", ":1: has no subgraphs"]),
        ("a: [", [":1: is not valid YAML: expected the node content, but found '<stream end>'"]),
        ("federation_version: 2", [":1: has no subgraphs"]),
        ("subgraphs: {}", [":1: subgraphs: at least one is needed"]),
        (
            "subgraphs:\n  a:\n    routing_url: u",
            [":3: subgraphs.a.schema: one of file, sdl and subgraph_url is needed"],
        ),
        ("subgraphs:\n  a:\n    schema: {sdl: x}", [":3: subgraphs.a: routing_url is missing"]),
        (
            "federation_version: 1\nsubgraphs: {a: {routing_url: u, schema: {sdl: x}}}",
            [':1: federation_version: "1" is not one of "2" or "=2.x.y"'],
        ),
        (
            "subgraphs:\n  a: {routing_url: u, schema: {sdl: x}}\n  a: {routing_url: u, schema: {sdl: x}}",
            [':3: subgraphs: "a" is there twice'],
        ),
        (
            "subgraphs:\n  a:\n    routing_url: u\n    shema: {sdl: x}\n    schema: {sdl: x, file: y}",
            [
                ':4: subgraphs.a: "shema" is not known here',
                ":5: subgraphs.a.schema: one of file, sdl and subgraph_url is needed",
            ],
        ),
        (
            "subgraphs: {a: {routing_url: '${env.SURELY_ABSENT}', schema: {sdl: x}}}",
            [
                ":1: subgraphs.a.routing_url: the environment has no SURELY_ABSENT",
                ":1: subgraphs.a: routing_url is missing",
            ],
        ),
    ],
)
def test_each_mistake_is_told_with_its_line(write, text, expected):
    path = write(text)

    found = problems(path)

    assert [it for it in expected if not any(line.startswith(it) for line in found)] == []


def test_missing_schema_files_are_told_together(write, tmp_path):
    path = write(
        "subgraphs:\n  a: {routing_url: u, schema: {file: a.graphql}}\n  b: {routing_url: u, schema: {file: b.graphql}}"
    )

    with pytest.raises(SchemaReadError) as caught:
        load_subgraphs(read_config(path))

    assert str(caught.value).splitlines() == [
        f"{path}:2: subgraphs.a: {tmp_path}/a.graphql: cannot be read: No such file or directory",
        f"{path}:3: subgraphs.b: {tmp_path}/b.graphql: cannot be read: No such file or directory",
    ]


def test_binary_schema_file(write, tmp_path):
    (tmp_path / "a.graphql").write_bytes(b"\xff\xfe\x00")
    path = write("subgraphs: {a: {routing_url: u, schema: {file: a.graphql}}}")

    with pytest.raises(SchemaReadError, match="is not a text in UTF-8"):
        load_subgraphs(read_config(path))


@pytest.fixture
def subgraph_server():
    """Serve whatever the test puts into ``answer``, and remember the headers of the last request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.seen = dict(self.headers)
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(self.server.status)
            self.end_headers()
            self.wfile.write(self.server.answer)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.status, server.answer, server.seen = 200, b"", {}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def config_for(write, server):
    """Return a configuration whose subgraph is asked for its schema."""
    url = f"http://127.0.0.1:{server.server_port}/"
    return read_config(
        write(f"subgraphs: {{a: {{schema: {{subgraph_url: '{url}', introspection_headers: {{x-key: k1}}}}}}}}")
    )


def test_schema_of_a_running_subgraph(write, subgraph_server):
    subgraph_server.answer = json.dumps({"data": {"_service": {"sdl": "type Query { a: Int }"}}}).encode()

    [subgraph] = load_subgraphs(config_for(write, subgraph_server))

    assert subgraph.sdl == "type Query { a: Int }"
    assert subgraph.url == f"http://127.0.0.1:{subgraph_server.server_port}/"
    assert subgraph_server.seen["X-Key"] == "k1"


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (500, b"", "answers 500"),
        (200, b"<html>", "does not answer JSON"),
        (200, b"[]", "does not answer a schema"),
        (200, b'{"data": {"_service": null}}', "does not answer a schema"),
        (200, b'{"errors": [{"message": "who are you"}]}', "refuses to tell its schema: who are you"),
    ],
)
def test_running_subgraph_that_does_not_tell(write, subgraph_server, status, answer, expected):
    subgraph_server.status, subgraph_server.answer = status, answer

    with pytest.raises(SchemaReadError, match=expected):
        load_subgraphs(config_for(write, subgraph_server))


def test_unreachable_subgraph(write):
    config = read_config(write("subgraphs: {a: {schema: {subgraph_url: 'http://127.0.0.1:9/'}}}"))

    with pytest.raises(SchemaReadError, match=r"http://127.0.0.1:9/ cannot be reached"):
        load_subgraphs(config)


def test_file_urls_are_refused(write):
    config = read_config(write("subgraphs: {a: {schema: {subgraph_url: 'file:///etc/passwd'}}}"))

    with pytest.raises(SchemaReadError, match="is not an http or https url"):
        load_subgraphs(config)
