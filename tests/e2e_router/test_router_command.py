"""`storegraph router` as a process: it answers, it ends in order, and what is wrong is one line."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from router.cli import command_line

JOINED = {"data": {"products": [{"name": "Lamp", "rating": 2}, {"name": "Desk", "rating": 4}]}}


def children(process: int) -> list[int]:
    """Return the ids of a process's children."""
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def run(*options: str) -> Result:
    """Run a command in this process, which is much faster than to start one."""
    return CliRunner().invoke(command_line(), options)


def test_entities_of_two_subgraphs_are_joined(start_router: Any, supergraph: Path) -> None:
    router = start_router(supergraph)

    assert router.ask("{ products { name rating } }") == JOINED
    assert router.ask("mutation { touch }") == {"data": {"touch": 1}}
    assert router.stop() == 0


def test_introspection_and_the_explorer_are_there(start_router: Any, supergraph: Path) -> None:
    router = start_router(supergraph)

    assert router.ask("{ __schema { queryType { name } } }") == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    assert "Storegraph Router" in httpx.get(router.origin, headers={"accept": "text/html"}).text


def test_what_the_settings_say_is_done(start_router: Any, supergraph: Path) -> None:
    router = start_router(
        supergraph, yaml="introspection: false\nexplorer: {enabled: false}\nheaders: {forward: [x-a]}"
    )

    (error,) = router.ask("{ __schema { queryType { name } } }")["errors"]
    assert error["extensions"]["code"] == "INTROSPECTION_DISABLED"
    assert "explorer" not in httpx.get(router.origin).text
    headers = {"x-a": "1", "x-b": "2", "x-request-id": "me"}
    query = '{ a: header(name: "x-a") b: header(name: "x-b") id: header(name: "x-request-id") }'
    assert router.ask(query, headers=headers) == {"data": {"a": "1", "b": None, "id": "me"}}


def test_a_subgraph_that_is_down_costs_only_its_fields(start_router: Any, supergraph: Path) -> None:
    router = start_router(supergraph, yaml="subgraphs: {reviews: {url: 'http://127.0.0.1:9/reviews'}}")

    answer = router.ask("{ products { name } best { rating } }")

    assert "data" in answer
    assert answer["errors"][0]["extensions"]["service"] == "reviews"
    assert router.ask("{ products { name } }")["data"]["products"]
    warning = json.loads(router.process.stderr.readline())
    assert (warning["level"], warning["subgraph"]) == ("warning", "reviews")
    assert (warning["reason"], warning["setting"]) == ("Connection refused", "subgraphs.reviews.url")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_under_way_end_before_the_router_does(start_router: Any, supergraph: Path, number: int) -> None:
    router = start_router(supergraph)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(router.ask("{ slow(seconds: 1) }")))
    asking.start()
    time.sleep(0.4)

    code = router.stop(number)
    asking.join()

    assert answers == [{"data": {"slow": "done"}}]
    assert code == 0


def test_a_router_that_drains_says_so_first(start_router: Any, supergraph: Path) -> None:
    router = start_router(supergraph, yaml="server: {drain: 60}")
    router.process.send_signal(signal.SIGTERM)
    wait_until(lambda: httpx.get(f"{router.origin}/health/ready").status_code == 503)

    assert router.ask("{ products { name rating } }") == JOINED
    assert router.stop() == 0  # a second signal is final


def test_a_router_that_has_drained_ends(start_router: Any, supergraph: Path) -> None:
    assert start_router(supergraph, yaml="server: {drain: 0.5}").stop() == 0


def test_workers_share_the_port_and_are_replaced(start_router: Any, supergraph: Path) -> None:
    router = start_router(supergraph, "--workers", "2")
    first = children(router.process.pid)
    assert len(first) == 2

    os.kill(first[0], signal.SIGKILL)
    wait_until(lambda: len(children(router.process.pid)) == 2 and first[0] not in children(router.process.pid))

    for _ in range(20):
        assert router.ask("{ products { name rating } }") == JOINED
    ended = children(router.process.pid)
    assert router.stop() == 0
    assert not any(map(is_alive, ended))


def test_workers_end_with_the_first_process(start_router: Any, supergraph: Path) -> None:
    router = start_router(supergraph, "--workers", "2")
    workers = children(router.process.pid)

    router.stop(signal.SIGKILL)

    wait_until(lambda: not any(map(is_alive, workers)))


def test_ctrl_c_in_a_terminal_reaches_all_processes_and_still_ends_in_order(
    start_router: Any, supergraph: Path
) -> None:
    router = start_router(supergraph, "--workers", "2")
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(router.ask("{ slow(seconds: 1) }")))
    asking.start()
    time.sleep(0.4)

    for worker in children(router.process.pid):
        os.kill(worker, signal.SIGINT)
    code = router.stop(signal.SIGINT)
    asking.join()

    assert answers == [{"data": {"slow": "done"}}]
    assert code == 0


def faults(tmp_path: Path, supergraph: Path) -> dict[str, tuple[list[str], int, str]]:
    """Wrong uses, each with its exit code and what the one line must tell."""
    (tmp_path / "bad.graphql").write_text("type Query {")
    (tmp_path / "plain.graphql").write_text("type Query { a: Int }")
    (tmp_path / "nowhere.yaml").write_text("subgraphs: {products: {url: ''}}")
    (tmp_path / "away.yaml").write_text("subgraphs: {a: {schema: {subgraph_url: 'http://127.0.0.1:9/a'}}}")
    (tmp_path / "bad.yaml").write_text("server: {prot: 1}")
    (tmp_path / "other.yaml").write_text("subgraphs: {nobody: {url: 'http://127.0.0.1:9'}}")
    (tmp_path / "supergraph.yaml").write_text(
        "subgraphs:\n  a:\n    routing_url: http://x\n    schema: {file: a.graphql}\n"
    )
    file = str(supergraph)
    return {
        "missing file": (["-s", str(tmp_path / "none.graphql")], 2, "No such file"),
        "a folder": (["-s", str(tmp_path)], 2, "Is a directory"),
        "bad SDL": (["-s", str(tmp_path / "bad.graphql")], 2, "not valid GraphQL"),
        "no supergraph": (["-s", str(tmp_path / "plain.graphql")], 2, "plain.graphql"),
        "schema of a subgraph missing": (["-s", str(tmp_path / "supergraph.yaml")], 2, "a.graphql"),
        "subgraph out of reach": (["-s", str(tmp_path / "away.yaml")], 2, "http://127.0.0.1:9/a"),
        "misspelt setting": (
            ["-s", file, "-c", str(tmp_path / "bad.yaml")],
            2,
            "bad.yaml:1: server.prot: is not known; did you mean 'port'?",
        ),
        "no settings file": (["-s", file, "-c", str(tmp_path / "none.yaml")], 2, "none.yaml"),
        "no address": (["-s", file, "-c", str(tmp_path / "nowhere.yaml")], 2, "set subgraphs.products.url"),
        "unknown subgraph": (["-s", file, "-c", str(tmp_path / "other.yaml")], 2, "nobody"),
        "bad port": (["-s", file, "--port", "70000"], 2, "between 0 and 65535"),
        "bad host": (["-s", file, "--host", "no.such.host.invalid"], 1, "--host"),
        "a foreign address": (["-s", file, "--host", "192.0.2.1", "--port", "0"], 1, "not an address of this machine"),
    }


FAULTS = (
    "missing file",
    "a folder",
    "bad SDL",
    "no supergraph",
    "schema of a subgraph missing",
    "misspelt setting",
    "no settings file",
    "unknown subgraph",
    "no address",
    "subgraph out of reach",
    "bad port",
    "bad host",
    "a foreign address",
)


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_is_one_line(tmp_path: Path, supergraph: Path, name: str) -> None:
    options, code, expected = faults(tmp_path, supergraph)[name]

    done = run("router", *options)

    assert done.exit_code == code
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_busy_port_is_told(supergraph: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=workers == "2") as other:
        port = other.getsockname()[1]

        done = run("router", "-s", str(supergraph), "--port", str(port), "--workers", workers)

    assert done.exit_code == 1
    assert done.stderr.strip().splitlines() == [
        f"storegraph: port {port} on 127.0.0.1 is taken: stop what listens there, or choose another with --port"
    ]


def test_a_supergraph_is_composed_on_the_way(start_router: Any, subgraphs: str, tmp_path: Path) -> None:
    config = tmp_path / "supergraph.yaml"
    lines = [f"  {name}: {{schema: {{subgraph_url: '{subgraphs}/{name}'}}}}" for name in ("products", "reviews")]
    config.write_text("federation_version: 2\nsubgraphs:\n" + "\n".join(lines))

    assert start_router(config).ask("{ products { name rating } }") == JOINED


def test_settings_are_validated(supergraph: Path, tmp_path: Path) -> None:
    good, bad, other = (tmp_path / name for name in ("good.yaml", "bad.yaml", "other.yaml"))
    good.write_text("server: {port: 4001}")
    bad.write_text("server: {prot: 1}\nsupgraphs: {}")
    other.write_text("subgraphs: {nobody: {url: 'http://127.0.0.1:9'}}")

    assert run("router", "validate", "--config", str(good)).stdout == f"{good}: good\n"
    told = run("router", "validate", "--config", str(bad))
    assert told.exit_code == 2
    assert [line.split(": ")[0] for line in told.stderr.splitlines()] == [f"{bad}:1", f"{bad}:2"]
    assert run("router", "validate", "--config", str(other)).exit_code == 0
    told = run("router", "validate", "--config", str(other), "--supergraph", str(supergraph))
    assert (told.exit_code, "nobody" in told.stderr) == (2, True)
    assert run("router", "validate", "--config", str(tmp_path / "none.yaml")).exit_code == 2
    assert json.loads(run("router", "schema").stdout)["title"].startswith("router.yaml")


def test_a_supergraph_has_to_be_named() -> None:
    done = run("router", "--port", "0")

    assert done.exit_code == 2
    assert "--supergraph" in done.stderr


@pytest.mark.parametrize("command", ["router", "compose", "check", "plan"])
def test_help_has_examples(command: str) -> None:
    done = run(command, "--help")

    assert done.exit_code == 0
    assert "Example" in done.stdout
