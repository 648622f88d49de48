"""Other gateways take the shop's supergraph as it is and answer a query of the shop through it.

They are asked where Node is.
"""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import uvicorn

from kernel.app import create_app
from kernel.calls import InProcessCalls
from kernel.database import plain_url
from kernel.identity import Caller, InternalTokenSigner
from kernel.settings import Settings
from router.composition import Composed, compose, load_subgraphs, read_config
from runtime.shop import build_subgraph
from subgraphs.products.storage import bulk

ROOT = Path(__file__).parents[3]
PEERS = Path(__file__).parent / "peers"
KEY = "a key of at least thirty-two bytes!"
OPERATION = "{ products(first: 2) { nodes { name availability { inStock } } } }"

pytestmark = pytest.mark.timeout(600)


@asynccontextmanager
async def served(app):
    """Serve an application on a free port and give its url."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by a flag
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/graphql"
    server.should_exit = True
    await running


@pytest.fixture
async def database_url(make_database):
    """Return a database with two products in it."""
    url = await make_database("products", "inventory")
    connection = await asyncpg.connect(plain_url(url), server_settings={"search_path": "products"})
    product_type = bulk.ProductTypeRow(id="ptype_tea", slug="tea", name="Tea")
    teas = [
        bulk.ProductRow(
            id=f"prod_{name}",
            slug=name,
            name=name,
            type_id=product_type.id,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for name in ("green", "black")
    ]
    await bulk.copy(connection, product_types=[product_type], products=teas)
    await connection.close()
    return url


@pytest.fixture
async def supergraph(database_url, tmp_path):
    """Serve two subgraphs of the shop; give the file of its supergraph and the tokens by url."""
    settings = Settings(database_url=database_url, internal_key=KEY)
    signer = InternalTokenSigner(KEY)
    names = ("products", "inventory")
    apps = [create_app(build_subgraph(name, settings, InProcessCalls(name, {})), internal_key=KEY) for name in names]
    async with served(apps[0]) as products, served(apps[1]) as inventory:
        urls = dict(zip(names, (products, inventory), strict=True))
        subgraphs = load_subgraphs(read_config(ROOT / "supergraph.yaml"))
        composed = compose(replace(it, url=urls.get(it.name, it.url)) for it in subgraphs)
        assert isinstance(composed, Composed)
        file = tmp_path / "supergraph.graphql"
        file.write_text(composed.supergraph_sdl)
        guest = Caller(id=None, kind="anonymous")
        yield file, {url: f"Bearer {signer.sign(guest, name)}" for name, url in urls.items()}


@pytest.mark.parametrize("peer", ["apollo", "hive"])
async def test_peer_answers_a_query_of_the_shop(peer, supergraph, node_packages):
    file, tokens = supergraph
    environment = node_packages(PEERS, "@graphql-hive/gateway-runtime")

    process = await asyncio.create_subprocess_exec(
        *("node", str(PEERS / "ask.mjs"), peer, str(file), OPERATION, json.dumps(tokens)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    output, problems = await process.communicate()

    answer = json.loads(output.splitlines()[-1]) if output else problems.decode()
    assert "errors" not in answer, answer
    nodes = answer["data"]["products"]["nodes"]
    assert sorted(it["name"] for it in nodes) == ["black", "green"]
    assert [it["availability"]["inStock"] for it in nodes] == [False, False]
