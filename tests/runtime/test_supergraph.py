"""Asking the whole API in somebody's name: by the engine beside, or by the router over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest

from kernel.settings import Settings
from kernel.supergraph import Person, SupergraphUnavailableError
from router.execution.engine import Engine
from router.execution.transports.in_process import InProcessTransport
from router.supergraph import load_supergraph
from runtime.ports import free_port
from runtime.supergraph import EngineBeside, RouterOverHttp, token_maker
from subgraphs.users.app import key_set

SAM = Person(id="usr_sam", email="sam@example.com", roles=frozenset({"staff"}))
SUPERGRAPH = Path(__file__).resolve().parents[2] / "schema" / "supergraph.graphql"


class Router(HTTPServer):
    """A server that answers what it is told to, and keeps what it was asked."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.asked: list[tuple[Any, str]] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Router)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append((json.loads(body), self.headers["authorization"]))
        self.send_response(200)
        self.send_header("content-length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library has it
        pass


@pytest.fixture
def router() -> Iterator[Router]:
    server = Router(b'{"data": {"me": {"id": "usr_sam"}}}')
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def over_http(port: int, data_dir: Path) -> RouterOverHttp:
    return RouterOverHttp(f"http://127.0.0.1:{port}/graphql", token_maker(Settings(data_dir=data_dir)))


async def test_the_router_is_asked_with_a_token_that_it_can_check(router: Router, tmp_path: Path):
    answer = await over_http(router.server_port, tmp_path).execute("{ me { id } }", {"a": 1}, asker=SAM)

    assert answer.data == {"me": {"id": "usr_sam"}}
    [(asked, authorization)] = router.asked
    assert asked == {"query": "{ me { id } }", "variables": {"a": 1}}
    [key] = [
        jwt.PyJWK(each)
        for each in key_set(Settings(data_dir=tmp_path))["keys"]
        if each["kid"] == jwt.get_unverified_header(authorization.removeprefix("Bearer "))["kid"]
    ]
    claims = jwt.decode(authorization.removeprefix("Bearer "), key, algorithms=["EdDSA"], audience="storegraph")
    assert (claims["sub"], claims["roles"], claims["iss"]) == ("usr_sam", ["staff"], "storegraph")
    assert "orders:read" in claims["scopes"]
    assert claims["exp"] - claims["iat"] <= 60


async def test_a_router_that_is_away_or_talks_nonsense_is_told_as_such(router: Router, tmp_path: Path):
    router.answer = b"<html>"
    for port in (router.server_port, free_port()):
        with pytest.raises(SupergraphUnavailableError):
            await over_http(port, tmp_path).execute("{ me { id } }", {}, asker=SAM)


async def test_the_engine_beside_is_asked_as_the_person():
    seen: list[Any] = []

    async def execute(query: str, variables: Any, operation_name: Any, *, headers: Any, context: Any) -> Any:
        seen.append(context)
        return {"data": {"me": None}}

    supergraph = load_supergraph(SUPERGRAPH.read_text(encoding="utf-8"))
    beside = EngineBeside()
    with pytest.raises(SupergraphUnavailableError):
        await beside.execute("{ me { id } }", {}, asker=SAM)

    beside.connect(Engine(supergraph, {"users": InProcessTransport(execute)}))
    answer = await beside.execute("{ me { id } }", {}, asker=SAM)
    wrong = await beside.execute("{ nothing }", {}, asker=SAM)

    assert answer.data == {"me": None}
    assert (seen[0].id, seen[0].kind, seen[0].roles) == ("usr_sam", "staff", frozenset({"staff"}))
    assert wrong.codes == {"GRAPHQL_VALIDATION_FAILED"}
