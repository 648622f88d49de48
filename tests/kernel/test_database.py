import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from kernel.database import Database, DatabaseUnavailableError, constraint_name, count_statements
from kernel.errors import InfrastructureError


async def test_transaction_commits_at_the_end_and_rolls_back_when_it_raises(producer: Database):
    async with producer.transaction() as session:
        await session.execute(text("INSERT INTO effects (note) VALUES ('kept')"))
    with pytest.raises(RuntimeError):  # noqa: PT012 # the block is what is tested
        async with producer.transaction() as session:
            await session.execute(text("INSERT INTO effects (note) VALUES ('lost')"))
            raise RuntimeError

    async with producer.session() as session:
        notes = (await session.execute(text("SELECT note FROM effects"))).scalars().all()
    assert notes == ["kept"]


async def test_each_database_sees_only_its_schema(producer: Database, first: Database):
    async with producer.transaction() as session:
        await session.execute(text("INSERT INTO effects (note) VALUES ('mine')"))
    async with first.session() as session:
        assert (await session.execute(text("SELECT count(*) FROM effects"))).scalar() == 0
        assert (await session.execute(text("SELECT current_schema()"))).scalar() == "first"


async def test_a_read_costs_one_statement_and_counting_ends_with_the_block(producer: Database):
    with count_statements(producer) as counted:
        async with producer.session() as session:
            await session.execute(text("SELECT 1"))
    async with producer.session() as session:
        await session.execute(text("SELECT 2"))
    assert counted.statements == ["SELECT 1"]
    assert counted.total == 1


async def test_a_violated_constraint_is_named(producer: Database):
    with pytest.raises(IntegrityError) as caught:
        async with producer.transaction() as session:
            await session.execute(text("INSERT INTO effects (position) VALUES (1), (1)"))
    assert constraint_name(caught.value) == "effects_pkey"


async def test_a_server_that_is_away_is_a_retryable_fault():
    async with Database("postgresql://postgres@127.0.0.1:9/none", schema="any") as database:
        with pytest.raises(DatabaseUnavailableError) as caught:
            async with database.session() as session:
                await session.execute(text("SELECT 1"))
    assert caught.value.retryable


@pytest.mark.parametrize("own", [ConnectionError("not the database"), TimeoutError("nor this")])
async def test_what_the_block_itself_raises_stays_as_it_is(producer: Database, own: Exception):
    for opened in (producer.transaction, producer.session):
        with pytest.raises(type(own), match=str(own)):
            async with opened():
                raise own


async def test_a_lost_connection_is_told_and_replaced(producer: Database):
    with pytest.raises(DatabaseUnavailableError):  # the connection is lost inside the block
        async with producer.session() as session:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    async with producer.session() as session:
        assert (await session.execute(text("SELECT 1"))).scalar() == 1


async def test_waiting_for_a_connection_has_an_end(sample_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kernel.database._PATIENCE", 0.05)
    async with (
        Database(sample_url, schema="producer", pool_size=1, max_overflow=0) as database,
        database.session() as session,
    ):
        await session.execute(text("SELECT 1"))
        with pytest.raises(DatabaseUnavailableError):
            async with database.session():
                pass


async def test_reads_open_no_transaction(producer: Database):
    async with producer.session() as session:
        first = (await session.execute(text("SELECT pg_current_xact_id()::text"))).scalar()
        second = (await session.execute(text("SELECT pg_current_xact_id()::text"))).scalar()
    assert first != second


def test_a_url_of_another_kind_is_refused():
    with pytest.raises(InfrastructureError):
        Database("mysql://localhost/x", schema="any")
