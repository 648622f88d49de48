"""Fixtures for all tests: one real PostgreSQL and one real Valkey per test process, fresh databases from it."""

import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog

import subgraphs
from kernel.testing import FixedClock
from runtime.stack import elasticsearch as elasticsearch_server
from runtime.stack import rabbitmq as rabbitmq_server
from runtime.stack.debian import missing
from tests.elasticsearch_server import shared_elasticsearch
from tests.node_packages import NodePackages, installed
from tests.servers import PostgresForTests, Servers, ValkeyForTests

MakeDatabase = Callable[..., Awaitable[str]]


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Room for the servers of this test process."""
    servers = Servers()
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def postgres(servers: Servers) -> PostgresForTests:
    """A PostgreSQL server that lives as long as the test process."""
    return servers.postgres()


@pytest.fixture(scope="session")
def valkey(servers: Servers) -> ValkeyForTests:
    """A Valkey server that lives as long as the test process."""
    return servers.valkey()


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[str]:
    """The URL of a RabbitMQ that lives as long as the test process."""
    if missing(["rabbitmq-server"]):
        pytest.skip("RabbitMQ is not installed (apt-get install rabbitmq-server)")
    folder = Path(tempfile.mkdtemp(prefix="storegraph-test-"))
    folder.chmod(0o755)
    broker = rabbitmq_server.start_rabbitmq(folder / "rabbitmq")
    yield broker.url
    broker.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def elasticsearch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the Elasticsearch of this test run; name your indices so that they meet no others."""
    if not elasticsearch_server.installed():
        pytest.skip("Elasticsearch is not installed (storegraph services install)")
    folder, at_end = tmp_path_factory.getbasetemp(), ExitStack()
    request.config.add_cleanup(at_end.close)
    with shared_elasticsearch(folder.parent if hasattr(request.config, "workerinput") else folder, at_end) as url:
        yield url


@pytest.fixture(scope="session")
def make_database(postgres: PostgresForTests) -> MakeDatabase:
    """Make a fresh database with these subgraphs migrated: `url = await make_database("orders")`."""
    root = Path(subgraphs.__file__).parent

    async def make(*names: str) -> str:
        return await postgres.database({name: root / name / "migrations" for name in names})

    return make


@pytest.fixture(scope="session")
def node_packages() -> NodePackages:
    """Give the environment in which Node finds the npm packages of a folder: `node_packages(folder, "graphql")`."""
    return installed


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock()


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Whatever a test does to the logs ends with it: a captured stream is closed by then."""
    before = structlog.get_config()
    yield
    if structlog.get_config() != before:
        structlog.configure(**before)


@pytest.fixture(scope="module")
def server_folder() -> Iterator[Path]:
    """A folder for servers that run under an account of their own: pytest's own folders are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="storegraph-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
