"""The router as its users run it: a process of its own in front of subgraphs that listen on real ports."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import strawberry
import uvicorn
from strawberry.asgi import GraphQL
from strawberry.types import Info

from router.composition import Composed, Subgraph, compose

READY = re.compile(r"router: (http://\S+:(\d+)\S*) ")


@strawberry.federation.type(keys=["id"])
class Product:
    id: strawberry.ID
    name: str


@strawberry.type(name="Query")
class ProductsQuery:
    @strawberry.field
    def products(self) -> list[Product]:
        return [Product(id=strawberry.ID("1"), name="Lamp"), Product(id=strawberry.ID("2"), name="Desk")]

    @strawberry.field
    async def slow(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    @strawberry.field
    def header(self, info: Info, name: str) -> str | None:
        return info.context["request"].headers.get(name)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def touch(self) -> int:
        return 1

    @strawberry.mutation
    def log_in(self, name: str) -> str:
        return f"token-of-{name}"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def restocked(self, *, without_end: bool = False) -> AsyncIterator[Product]:
        for product in ProductsQuery().products():
            yield product
        if without_end:
            await asyncio.Event().wait()


@strawberry.federation.type(name="Product", keys=["id"])
class RatedProduct:
    id: strawberry.ID
    rating: int

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> RatedProduct:  # noqa: A002
        return cls(id=id, rating=int(id) * 2)


@strawberry.type(name="Query")
class ReviewsQuery:
    @strawberry.field
    def best(self) -> RatedProduct:
        return RatedProduct(id=strawberry.ID("2"), rating=4)


SCHEMAS = {
    "products": strawberry.federation.Schema(ProductsQuery, Mutation, Subscription),
    "reviews": strawberry.federation.Schema(ReviewsQuery),
}


@pytest.fixture(scope="session")
def subgraphs() -> Iterator[str]:
    """Two subgraphs in a thread; the value is their origin."""
    apps = {f"/{name}": GraphQL(schema) for name, schema in SCHEMAS.items()}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await apps[scope["path"]](scope, receive, send)

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def supergraph(subgraphs: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the supergraph of both."""
    result = compose([Subgraph(name, schema.as_str(), f"{subgraphs}/{name}") for name, schema in SCHEMAS.items()])
    assert isinstance(result, Composed), result
    path = tmp_path_factory.mktemp("supergraph") / "supergraph.graphql"
    path.write_text(result.supergraph_sdl)
    return path


@dataclass(frozen=True)
class Running:
    """A router that was started."""

    url: str
    process: subprocess.Popen[str]

    @property
    def origin(self) -> str:
        return self.url.removesuffix("/graphql")

    def ask(self, query: str, **options: Any) -> Any:
        return httpx.post(self.url, json={"query": query}, timeout=10, **options).json()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(15)


StartRouter = Callable[..., Running]


@pytest.fixture
def start_router(tmp_path: Path) -> Iterator[StartRouter]:
    """Start routers on free ports; all are ended with the test."""
    with started_routers(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def start_lasting_router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartRouter]:
    """Start routers that all tests of a module use."""
    with started_routers(tmp_path_factory.mktemp("router")) as start:
        yield start


@contextmanager
def started_routers(folder: Path) -> Iterator[StartRouter]:
    started: list[subprocess.Popen[str]] = []

    def start(supergraph: Path, *options: str, yaml: str = "") -> Running:
        (folder / "router.yaml").write_text(yaml)
        command = [sys.executable, "-m", "router.cli", "router", "--supergraph", str(supergraph)]
        command += ["--port", "0", "--config", str(folder / "router.yaml"), *options]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        ready = READY.match(line)
        assert ready, line + process.stderr.read()
        wait_until(lambda: is_up(int(ready[2])))
        return Running(ready[1], process)

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(15)
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def is_up(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
