"""A running router takes over what its files say, and nobody who asks it notices."""

from __future__ import annotations

import http.client
import json
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from router.composition.command import write_atomically
from tests.e2e_router.conftest import Running, wait_until
from tests.router.robustness.reloads import measure

FAST = "reload: {interval: 0.05}\n"


def ids(router: Running) -> dict[str, str]:
    return httpx.get(f"{router.origin}/health").json()


def said(router: Running) -> dict[str, Any]:
    """Return the next line of the log."""
    assert router.process.stderr is not None
    return json.loads(router.process.stderr.readline())


@pytest.fixture
def schema(supergraph: Path, tmp_path: Path) -> Path:
    """A supergraph file that a test may change."""
    copy = tmp_path / "changing.graphql"
    copy.write_text(supergraph.read_text())
    return copy


def without_slow(schema: Path) -> str:
    lines = schema.read_text().splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith("slow("))


def fields(router: Running) -> set[str]:
    answer = router.ask("{ __schema { queryType { fields { name } } } }")
    return {each["name"] for each in answer["data"]["__schema"]["queryType"]["fields"]}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_new_schema_is_served_once_its_file_has_changed(start_router: Any, schema: Path, workers: str) -> None:
    router = start_router(schema, "--workers", workers, yaml=FAST)
    assert "slow" in fields(router)

    write_atomically(schema, without_slow(schema))

    # Connections spread over the workers: each of them has to know.
    wait_until(lambda: not any("slow" in fields(router) for _ in range(8)))
    assert router.ask("{ best { rating } }") == {"data": {"best": {"rating": 4}}}
    assert router.stop() == 0


def test_a_schema_that_is_of_no_use_is_told_and_forgotten(start_router: Any, schema: Path) -> None:
    router = start_router(schema, yaml=FAST)
    before = ids(router)

    write_atomically(schema, "type Query {")

    line = said(router)
    assert (line["level"], line["event"]) == ("error", "reload refused, serving on as before")
    assert str(schema) in line["reason"]
    assert ids(router) == before
    assert router.ask("{ best { rating } }") == {"data": {"best": {"rating": 4}}}


def test_settings_are_taken_over_and_those_that_cannot_be_are_told(
    start_router: Any, schema: Path, tmp_path: Path
) -> None:
    router = start_router(schema, yaml=FAST)
    settings = tmp_path / "router.yaml"

    write_atomically(settings, f"{FAST}introspection: false\nserver: {{keep_alive: 5}}\n")

    reloaded, warning = said(router), said(router)
    assert (reloaded["event"], reloaded["settings"]) == ("reloaded", ids(router)["settings"])
    assert warning["settings"] == ["server.keep_alive"]
    assert router.ask("{ __schema { queryType { name } } }")["errors"]

    write_atomically(settings, "subgraphs: {nobody: {url: 'http://127.0.0.1:9'}}")
    assert "nobody" in said(router)["reason"]


def test_a_signal_reads_the_files_where_nobody_watches_them(start_router: Any, schema: Path) -> None:
    router = start_router(schema, yaml="reload: {watch: false}")
    router.ask("{ best { rating } }")
    write_atomically(schema, without_slow(schema))

    router.process.send_signal(signal.SIGHUP)

    line = said(router)
    assert (line["event"], line["operations_ready"]) == ("reloaded", 1)
    assert "slow" not in fields(router)


def test_a_request_under_way_is_answered_by_the_old_generation(start_router: Any, schema: Path) -> None:
    router = start_router(schema, yaml=FAST)
    client = http.client.HTTPConnection(router.origin.removeprefix("http://"), timeout=30)
    body = json.dumps({"query": "{ slow(seconds: 2) }"})
    client.request("POST", "/graphql", body, {"content-type": "application/json"})
    ids(router)  # whatever came before this is under way by now

    write_atomically(schema, without_slow(schema))
    wait_until(lambda: "slow" not in fields(router))

    assert json.loads(client.getresponse().read()) == {"data": {"slow": "done"}}


def test_a_worker_that_is_replaced_serves_what_the_others_serve(start_router: Any, schema: Path) -> None:
    router = start_router(schema, "--workers", "2", yaml=FAST)
    write_atomically(schema, without_slow(schema))
    wait_until(lambda: not any("slow" in fields(router) for _ in range(8)))
    served = ids(router)
    write_atomically(schema, "type Query {")
    workers = Path(f"/proc/{router.process.pid}/task/{router.process.pid}/children")
    first = workers.read_text().split()

    os.kill(int(first[0]), signal.SIGKILL)
    wait_until(lambda: len(workers.read_text().split()) == 2 and first[0] not in workers.read_text().split())

    assert all(ids(router) == served for _ in range(8))


def test_nobody_notices_reloads_under_load() -> None:
    figures: Any = measure(10)

    assert figures["failed"] == 0, figures["example"]
    assert figures["answers"] > 100
    assert figures["connections"] == figures["clients"]
    assert figures["after"]["engines"] == 1
    assert figures["after"]["tasks"] <= figures["before"]["tasks"]


def published(folder: Path, **operations: str) -> None:
    entries = [{"id": key, "body": body} for key, body in operations.items()]
    text = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": entries}
    write_atomically(folder / "operations.json", json.dumps(text))


def test_operations_and_routes_are_taken_over_and_bad_ones_are_not(
    start_router: Any, schema: Path, tmp_path: Path
) -> None:
    folder, routes = tmp_path / "operations", tmp_path / "routes.yaml"
    folder.mkdir()
    published(folder, best="{ best { rating } }")
    route = "routes: [{{route: GET /{path}, answer: best, id: best}}]"
    routes.write_text(route.format(path="best"))
    yaml = f"{FAST}persisted_operations: {{path: {folder}, mode: require-id}}\nrest: {{routes: {routes}}}\n"
    router = start_router(schema, yaml=yaml)

    def status(name: str) -> int:
        return httpx.post(router.url, json={"documentId": name}, headers={"accept": "application/json"}).status_code

    assert (status("best"), status("names")) == (200, 404)
    assert httpx.get(f"{router.origin}/best").json() == {"rating": 4}

    published(folder, best="{ best { rating } }", names="{ products { name } }")
    wait_until(lambda: status("names") == 200)
    write_atomically(routes, route.format(path="top"))
    wait_until(lambda: httpx.get(f"{router.origin}/top").status_code == 200)
    assert httpx.get(f"{router.origin}/best").status_code == 404

    for broken in (lambda: (folder / "operations.json").write_text("{"), lambda: routes.write_text("routes: 5")):
        broken()
        while said(router)["event"] != "reload refused, serving on as before":
            pass
        assert (status("best"), status("names")) == (200, 200)
        assert httpx.get(f"{router.origin}/top").json() == {"rating": 4}
