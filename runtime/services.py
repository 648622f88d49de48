"""Services mode: one process for each subgraph and each worker, all told where things are by their settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from urllib.parse import urlsplit

import uvicorn

from kernel.app import create_app
from kernel.calls import HttpCalls
from kernel.collector import spare_what_is_there
from kernel.errors import InfrastructureError
from kernel.events.delivery import Delivery, Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.rabbitmq import RabbitDelivery
from kernel.identity import InternalTokenSigner
from kernel.jobs import JobRunner
from kernel.migrations import check_current
from kernel.settings import Settings, SettingsError
from kernel.subgraph import Subgraph
from kernel.telemetry import configure_logging
from kernel.tracing import send_traces_to
from router.cache.store import Store
from router.composition import read_config
from runtime.cache_changes import CATALOGUE, cache_settings, following
from runtime.demo_data import load_demo_data
from runtime.errors import StartError, StoreNotReadyError
from runtime.export_schema import SUPERGRAPH_CONFIG
from runtime.ports import insist_on_free_port
from runtime.progress import Steps
from runtime.shop import SUBGRAPHS, build_subgraph, migrate, migrations_of
from runtime.stopping import stop_on_signals
from runtime.supergraph import RouterOverHttp, token_maker
from subgraphs.users.app import personal_keys


class UnknownSubgraphError(StartError):
    """There is no subgraph of that name."""

    exit_code = 2


def run_migrations() -> None:
    """Bring all tables to this version and say so."""
    settings = _settings()
    asyncio.run(migrate(settings))
    print(f"The tables of {', '.join(SUBGRAPHS)} are at this version.")


def run_demo_load() -> None:
    """Load the demo data unless that was done before."""
    settings = _settings()
    asyncio.run(_check_store(settings, SUBGRAPHS))
    asyncio.run(load_demo_data(settings.database_url, Steps(), personal_keys(settings)))


def run_subgraph(name: str, host: str, port: int) -> None:
    """Serve one subgraph until it is told to stop."""
    settings, urls = _settings(), subgraph_urls()
    _insist_on_names([name])
    chosen = port or urlsplit(urls[name]).port or 0
    subgraph = build_subgraph(name, settings, _calls(name, settings, urls), _supergraph(settings))
    asyncio.run(_check_store(settings, [name]))
    app = create_app(subgraph, internal_key=settings.internal_key.get_secret_value(), signed=settings.signed_requests)
    insist_on_free_port(host, chosen)
    print(f"Subgraph {name} at http://{host}:{chosen}/graphql", flush=True)
    spare_what_is_there()
    uvicorn.run(app, host=host, port=chosen, log_level="warning", access_log=False)


def run_worker(names: Sequence[str]) -> None:
    """Deliver the events of these subgraphs, run their consumers and their jobs, until told to stop; none means all."""
    settings, urls = _settings(), subgraph_urls()
    chosen = tuple(names) or SUBGRAPHS
    _insist_on_names(chosen)
    asyncio.run(_check_store(settings, chosen))
    supergraph = _supergraph(settings)
    everyone = {each: build_subgraph(each, settings, _calls(each, settings, urls), supergraph) for each in SUBGRAPHS}
    print(f"Worker of {', '.join(chosen)} is up", flush=True)
    asyncio.run(_work(chosen, everyone, settings))


def subgraph_urls() -> dict[str, str]:
    """Where each subgraph is: `STOREGRAPH_<NAME>_URL`, or its routing URL in `supergraph.yaml`."""
    configured = {each.name: each.routing_url for each in read_config(SUPERGRAPH_CONFIG).subgraphs}
    return {name: os.environ.get(f"STOREGRAPH_{name.upper()}_URL", url) for name, url in configured.items()}


async def _work(names: Sequence[str], everyone: dict[str, Subgraph], settings: Settings) -> None:
    stop = stop_on_signals()
    rooms = [subgraph.room for subgraph in everyone.values()]
    deliveries = [_delivery(rooms, name, settings.broker_url) for name in names]
    jobs = JobRunner([job for name in names for job in everyone[name].background])
    for part in (*deliveries, jobs):
        await part.start()
    spare_what_is_there()
    async with following(settings.database_url, _routers_cache(names, settings)):
        await stop.wait()
    for part in (jobs, *deliveries):
        await part.stop()
    for subgraph in everyone.values():
        await subgraph.close()


def _routers_cache(names: Sequence[str], settings: Settings) -> Store | None:
    """Return the way to the routers' caches, for the worker that knows what happens to the catalogue."""
    wanted = settings.response_cache and settings.redis_url and CATALOGUE in names
    return Store(cache_settings(redis=settings.redis_url)) if wanted else None


def _delivery(rooms: Sequence[Room], name: str, broker_url: str) -> Delivery:
    """Deliver the events of a subgraph through the broker where there is one, otherwise inside the database."""
    if broker_url:
        return RabbitDelivery(rooms, url=broker_url, only=name)
    return EmbeddedDelivery(rooms, only=name)


async def _check_store(settings: Settings, names: Sequence[str]) -> None:
    try:
        await check_current(settings.database_url, {name: migrations_of(name) for name in names})
    except InfrastructureError as error:
        raise StoreNotReadyError(str(error)) from error
    except OSError as error:
        raise StoreNotReadyError(f"The database of STOREGRAPH_DATABASE_URL cannot be reached: {error}.") from error


def _calls(name: str, settings: Settings, urls: dict[str, str]) -> HttpCalls:
    return HttpCalls(name, urls, InternalTokenSigner(settings.internal_key.get_secret_value()))


def _supergraph(settings: Settings) -> RouterOverHttp:
    return RouterOverHttp(settings.router_url, token_maker(settings))


def _settings() -> Settings:
    settings = Settings.load(mode="services")
    configure_logging(level=settings.log_level, style=settings.log_style)
    if settings.traces_url:
        send_traces_to(settings.traces_url)
    for name in ("database_url", "internal_key"):
        if not getattr(settings, name):
            raise SettingsError(f"STOREGRAPH_{name.upper()} is not set; services mode needs it.")
    return settings


def _insist_on_names(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in SUBGRAPHS]
    if unknown:
        raise UnknownSubgraphError(f"There is no subgraph {unknown[0]!r}. There are: {', '.join(SUBGRAPHS)}.")
