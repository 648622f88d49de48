"""Payments on a real database, with the sandbox provider."""

import pytest

from kernel.calls import InProcessCalls
from kernel.database import Database
from kernel.settings import Settings
from kernel.subgraph import Parts
from subgraphs.payments.app import build
from subgraphs.payments.providers.sandbox import SandboxProvider
from subgraphs.payments.service import make_service


@pytest.fixture
async def database(make_database):
    async with Database(await make_database("payments"), schema="payments") as database:
        yield database


@pytest.fixture
def provider(database, clock):
    return SandboxProvider(database, clock)


@pytest.fixture
def service(database, provider, clock):
    return make_service(database, [provider], clock)


@pytest.fixture
def payments(database, clock):
    """The subgraph as it is built for real."""
    return build(Settings.load(), Parts(database=database, calls=InProcessCalls("payments", {}), clock=clock))
