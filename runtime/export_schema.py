"""Writes what is generated under `schema/`: the subgraphs, the supergraph, its API, the events, the router's settings.

Needs no database and no network, so that `make check` can tell whether a file is stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from kernel.calls import InProcessCalls
from kernel.events.asyncapi import asyncapi_document
from kernel.events.compatibility import incompatibilities
from kernel.events.page import event_page
from kernel.events.schemas import event_schemas
from kernel.settings import Settings
from kernel.subgraph import Subgraph as ShopSubgraph
from kernel.subgraph import export_sdl
from router.composition import Composed, Subgraph, compose, read_config
from router.config_schema import settings_schema
from runtime.errors import CompositionFailedError, IncompatibleEventError
from runtime.generated_files import report_stale, write_files
from runtime.shop import SUBGRAPHS, build_subgraph

PROJECT = Path(__file__).resolve().parent.parent
SCHEMA = PROJECT / "schema"
SUPERGRAPH_CONFIG = next(
    (path for path in (PROJECT / "supergraph.yaml", PROJECT / "runtime" / "supergraph.yaml") if path.exists()),
    PROJECT / "supergraph.yaml",
)
"""Which subgraphs there are and where; an installed wheel carries it inside the package."""


def run(out: Path | None, *, check: bool) -> int:
    """Write the files, or with `check` name those that differ; the exit code."""
    folder = out or SCHEMA
    files = generate()
    if check:
        return report_stale(folder, files, "storegraph export-schema")
    _insist_on_compatible_events(folder, files)
    return write_files(folder, files)


def generate() -> dict[str, str]:
    """Every generated file's path under `schema/` and its content.

    Raises:
        CompositionFailedError: the subgraphs do not fit together.
    """
    built = build_for_schema()
    sdls = sdls_of(built)
    composed = compose_shop(sdls)
    files = {f"{name}.graphql": sdl for name, sdl in sdls.items()}
    files["supergraph.graphql"] = composed.supergraph_sdl
    files["api.graphql"] = composed.api_sdl
    for name, schema in event_schemas().items():
        files[f"events/{name}.json"] = json.dumps(schema, indent=2, sort_keys=True) + "\n"
    consumers = {subgraph.name: subgraph.consumers for subgraph in built}
    files["events.md"] = event_page(consumers)
    files["asyncapi.json"] = json.dumps(asyncapi_document(consumers), indent=2) + "\n"
    files["router.schema.json"] = json.dumps(settings_schema(), indent=2) + "\n"
    return {name: content.rstrip("\n") + "\n" for name, content in files.items()}


def build_for_schema() -> list[ShopSubgraph]:
    """All subgraphs, good for their schemas alone."""
    settings = Settings()
    return [build_subgraph(name, settings, InProcessCalls(name, {})) for name in SUBGRAPHS]


def sdls_of(subgraphs: Iterable[ShopSubgraph]) -> dict[str, str]:
    """The SDL of each subgraph, as its code has it."""
    return {subgraph.name: export_sdl(subgraph) for subgraph in subgraphs}


def compose_shop(sdls: dict[str, str]) -> Composed:
    """Compose the shop's subgraphs, with the addresses that `supergraph.yaml` gives them.

    Raises:
        CompositionFailedError: lists every problem.
    """
    urls = {each.name: each.routing_url for each in read_config(SUPERGRAPH_CONFIG).subgraphs}
    composed = compose([Subgraph(name, sdl, urls[name]) for name, sdl in sdls.items()])
    if not isinstance(composed, Composed):
        problems = "\n".join(f"  {problem}" for problem in composed)
        raise CompositionFailedError(f"The subgraphs do not fit together:\n{problems}")
    return composed


def _insist_on_compatible_events(folder: Path, files: dict[str, str]) -> None:
    """Keep the schema of an event from being replaced by one that events or consumers in the world do not fit.

    Raises:
        IncompatibleEventError: names the event and what breaks.
    """
    for name, content in files.items():
        published = folder / name
        if name.startswith("events/") and published.exists():
            problems = incompatibilities(json.loads(published.read_text()), json.loads(content))
            if problems:
                raise IncompatibleEventError(
                    f"{name} would change in a way that events in queues do not fit: {'; '.join(problems)}. "
                    "Raise the `version` of the event in kernel/events/catalogue.py, or give what is new a default."
                )
