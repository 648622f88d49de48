"""From a clone to a placed order with one command: the claims of the foundation."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.prove.checkout import (
    REFERENCE_CASES,
    Checkout,
    Running,
    answers,
    clean_checkout,
    descendants_of,
    free_port,
    graphql,
    log_in,
    running,
    wait_until,
)
from tests.prove.claims import Prover

FIRST_START_SECONDS = 20
LATER_START_SECONDS = 6
SUITE_SECONDS = 600
INSTALL_MEGABYTES = 400


def prove(prover: Prover) -> None:
    """Run every part on one clean checkout; `quick` leaves out the test suite."""
    with clean_checkout() as checkout:
        with prover.part("set-up"):
            _prove_installation(prover, checkout)
        with prover.part("a store from one command"):
            _prove_store(prover, checkout)
        with prover.part("catalogue import"):
            _prove_import(prover, checkout)
        with prover.part("a graph that nobody here wrote"):
            _prove_foreign_graph(prover, checkout)
        with prover.part("schemas"):
            _prove_schema_drift(prover, checkout)
        with prover.part("faults are one clear line"):
            _prove_faults(prover, checkout)
        if not prover.quick:
            with prover.part("the test suite"):
                _prove_suite(prover, checkout)


def _prove_installation(prover: Prover, checkout: Checkout) -> None:
    done = checkout.run("dev/bootstrap", "run")
    prover.equal("dev/bootstrap run: exit code", done.code, 0)
    size = sum(path.stat().st_size for path in (checkout.root / ".venv").rglob("*") if path.is_file()) / 1e6
    prover.at_most("size of the installation", size, INSTALL_MEGABYTES, "MB")
    explorer = checkout.run(".venv/bin/python", "-m", "router.server.explorer.build")
    prover.equal("explorer built from npm sources: exit code", explorer.code, 0)


def _prove_store(prover: Prover, checkout: Checkout) -> None:
    port = free_port()
    with _store(checkout, port) as store:
        prover.at_most("first start, installed, with demo data", store.seconds_to_ready, FIRST_START_SECONDS, "s")
        _prove_demo_data(prover, store.url)
        _prove_explorer(prover, port)
        _prove_journey(prover, checkout, store.url, "storegraph demo")
        second = checkout.storegraph("up", "--port", str(free_port()))
        prover.check(
            "a second `up` on the same data",
            _first_line(second.output),
            "says so, exit 1",
            _says(second, "already runs"),
        )
        before = _orders(store.url)
        store.kill()
    with _store(checkout, port) as store:
        prover.at_most("start after kill -9", store.seconds_to_ready, LATER_START_SECONDS, "s")
        after = _orders(store.url)
        prover.check("orders kept over kill -9", f"{len(before & after)} of {len(before)}", "all", before <= after)
        _prove_journey(prover, checkout, store.url, "storegraph demo again")
        code = store.interrupt()
        prover.equal("Ctrl-C: exit code", code, 0)
        prover.equal("processes left after Ctrl-C", descendants_of(checkout.root), [])
    with _store(checkout, port) as store:
        prover.at_most("a later start", store.seconds_to_ready, LATER_START_SECONDS, "s")


def _prove_demo_data(prover: Prover, url: str) -> None:
    token = log_in(url, "admin")
    counts = {
        "products": ("{ products(first: 1) { totalCount } }", "products", 500),
        "orders": ("{ orders(first: 1) { totalCount } }", "orders", 5000),
        "users": ("{ users(first: 1) { totalCount } }", "users", 200),
    }
    tree = graphql(url, "{ categories(first: 100) { nodes { children { children { id } } } } }")["data"]["categories"]
    categories = sum(1 + len(child["children"]) for node in tree["nodes"] for child in node["children"])
    categories += len(tree["nodes"])
    prover.check("demo data: categories", categories, ">= 30, in a tree", categories >= 30)
    for name, (query, field, least) in counts.items():
        data = graphql(url, query, token=token).get("data") or {}
        count = (data.get(field) or {}).get("totalCount") or 0
        prover.check(f"demo data: {name}", count, f">= {least}", count >= least)


def _prove_explorer(prover: Prover, port: int) -> None:
    page = _get(port, "/graphql")
    assets = re.findall(r"(?:src|href)=\"([^\"]+\.(?:js|css)[^\"]*)\"", page)
    foreign = [address for address in assets if not address.startswith("/")]
    bundle = sum(len(_get(port, address)) for address in assets if address.startswith("/"))
    seen = f"{len(assets)} assets of our own, {bundle // 1000} kB; {len(foreign)} foreign addresses"
    prover.check("GraphiQL page", seen, "bundle served, 0 foreign", bundle > 500_000 and not foreign)


def _get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"accept": "text/html,*/*"})
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer


def _prove_journey(prover: Prover, checkout: Checkout, url: str, text: str) -> None:
    done = checkout.storegraph("demo", "--url", url)
    if done.code != 0:
        prover.console.print(done.output)
    prover.equal(f"{text}: exit code", done.code, 0)


def _prove_import(prover: Prover, checkout: Checkout) -> None:
    catalogue = REFERENCE_CASES / "data" / "catalogue.csv"
    if not catalogue.exists():
        catalogue = checkout.root / "tests" / "runtime" / "catalogue.csv"
    first = checkout.storegraph("import-catalogue", str(catalogue))
    prover.equal(f"import of {catalogue.name}: exit code", first.code, 0)
    second = checkout.storegraph("import-catalogue", str(catalogue))
    changed = re.search(r"(\d+) created, (\d+) updated, (\d+) unchanged", second.output)
    seen = changed.group(0) if changed else _first_line(second.output)
    prover.check("the same file again", seen, "0 created, 0 updated", seen.startswith("0 created, 0 updated"))


def _prove_foreign_graph(prover: Prover, checkout: Checkout) -> None:
    bench = REFERENCE_CASES / "router-bench"
    if not bench.is_dir():
        prover.check(
            "the public gateway benchmark's graph", "no reference folder beside this clone", "there", holds=False
        )
        return
    subgraphs = subprocess.Popen(
        [sys.executable, str(bench / "subgraphs.py")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: answers("http://127.0.0.1:4210/products"))
        port = free_port()
        command = [
            ".venv/bin/storegraph",
            "router",
            "--supergraph",
            str(bench / "supergraph.graphql"),
            "--port",
            str(port),
        ]
        request = json.loads((bench / "query.json").read_text())
        expected = json.loads((bench / "expected" / "same.jsonl").read_text().splitlines()[0])
        with running(checkout, command, port) as router:
            answer = graphql(router.url, request["query"], request.get("variables"))
        prover.check(
            "answer to query.json",
            f"{len(json.dumps(answer))} bytes",
            "equal to the expected JSON",
            answer.get("data") == expected["data"],
        )
    finally:
        subgraphs.terminate()
        subgraphs.wait()


def _prove_schema_drift(prover: Prover, checkout: Checkout) -> None:
    fresh = checkout.storegraph("export-schema", "--check")
    prover.equal("export-schema --check on what is committed: exit code", fresh.code, 0)
    schema = checkout.root / "schema" / "products.graphql"
    kept = schema.read_text()
    schema.write_text(kept + "\ntype Stale { id: ID }\n")
    stale = checkout.storegraph("export-schema", "--check")
    schema.write_text(kept)
    prover.check(
        "after a change by hand",
        _first_line(stale.output),
        "exit 1, names the file",
        stale.code == 1 and "products.graphql" in stale.output,
    )


def _prove_faults(prover: Prover, checkout: Checkout) -> None:
    _one_line(
        prover, "wrong settings", checkout, ["up"], environment={"STOREGRAPH_LOG_LEVEL": "loud"}, word="LOG_LEVEL"
    )
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        _one_line(prover, "a busy port", checkout, ["up", "--port", port], word=port)
    (checkout.root / "plain-file").write_text("")
    _one_line(
        prover, "an unwritable data directory", checkout, ["up", "--data-dir", "plain-file/data"], word="--data-dir"
    )
    _one_line(
        prover, "no supergraph file", checkout, ["router", "--supergraph", "nowhere.graphql"], word="nowhere.graphql"
    )
    _prove_subgraph_down(prover, checkout)
    _prove_missing_table(prover, checkout)
    prover.equal("processes left", descendants_of(checkout.root), [])


def _one_line(
    prover: Prover,
    text: str,
    checkout: Checkout,
    arguments: list[str],
    *,
    word: str,
    environment: dict[str, str] | None = None,
) -> None:
    done = checkout.storegraph(*arguments, environment=environment)
    lines = [line for line in done.output.splitlines() if line.startswith(("storegraph:", "Error:"))]
    clear = done.code not in {0, None} and "Traceback" not in done.output and len(lines) == 1 and word in lines[0]
    prover.check(text, lines[0] if lines else _first_line(done.output), f"one line with {word!r}", clear)


def _prove_missing_table(prover: Prover, checkout: Checkout) -> None:
    """Break the store for good; what needs it was proved before."""
    drop = """
import asyncio
from pathlib import Path
import asyncpg
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.postgres import start_postgres

async def drop(url):
    connection = await asyncpg.connect(url)
    await connection.execute("DROP TABLE shipping.shipments CASCADE")
    await connection.close()

with DataDirectory(Path(".storegraph")) as directory:
    server = start_postgres(directory)
    asyncio.run(drop(server.url.replace("+asyncpg", "")))
    server.stop()
"""
    done = checkout.run(".venv/bin/python", "-c", drop)
    if done.code != 0:
        raise RuntimeError(done.output)
    _one_line(prover, "a missing table", checkout, ["up", "--port", str(free_port())], word="shipping.shipments")


def _prove_subgraph_down(prover: Prover, checkout: Checkout) -> None:
    port = free_port()
    command = [".venv/bin/storegraph", "router", "--supergraph", "schema/supergraph.graphql", "--port", str(port)]
    with running(checkout, command, port) as router:
        answer = graphql(router.url, "{ products(first: 1) { nodes { id } } }")
    errors = answer.get("errors") or []
    told = bool(errors) and "products" in json.dumps(errors) and "Traceback" not in json.dumps(answer)
    prover.check("a subgraph that is down", json.dumps(errors)[:120], "an error that names it", told)


def _prove_suite(prover: Prover, checkout: Checkout) -> None:
    done = checkout.run("make", "test", timeout=SUITE_SECONDS * 3)
    last = next((line for line in reversed(done.output.splitlines()) if " passed" in line), "no test ran")
    if done.code != 0:
        prover.console.print(done.output[-4000:])
    prover.check("make test", last.strip("= "), "passes", done.code == 0)
    prover.at_most("make test, with its set-up", done.seconds, SUITE_SECONDS, "s")
    prover.equal("processes left by make test", descendants_of(checkout.root), [])


@contextlib.contextmanager
def _store(checkout: Checkout, port: int) -> Iterator[Running]:
    with running(checkout, [".venv/bin/storegraph", "up", "--port", str(port)], port) as store:
        yield store


def _orders(url: str) -> set[str]:
    """The numbers of the newest orders, those that a crash could have taken."""
    query = "{ orders(first: 100) { nodes { number } } }"
    data: Any = graphql(url, query, token=log_in(url, "admin"))["data"]
    return {node["number"] for node in data["orders"]["nodes"]}


def _says(done: Any, words: str) -> bool:
    return done.code == 1 and words in done.output and "Traceback" not in done.output


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")[:150]
