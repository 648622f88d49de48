"""Graphs that nobody here wrote, served by the router as a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

SHARED = Path(__file__).parents[2].parent / "shared"
BENCH = SHARED / "router-bench"
CASES = SHARED / "federation-cases"
ROUTER = f"{sys.executable} -m router.cli router --supergraph {{supergraph}} --port {{port}}"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not BENCH.is_dir(), reason="the reference graphs are not beside the repository"),
]


@pytest.fixture(scope="module")
def bench_origin() -> Iterator[str]:
    """The public benchmark's four subgraphs on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-u", "subgraphs.py", "--port", str(port)]
    process = subprocess.Popen(command, cwd=BENCH, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline()
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture(scope="module")
def bench_router(start_lasting_router: Any, bench_origin: str) -> Any:
    names = ("accounts", "inventory", "products", "reviews")
    moved = ", ".join(f"{name}: {{url: '{bench_origin}/{name}'}}" for name in names)
    return start_lasting_router(BENCH / "supergraph.graphql", yaml=f"subgraphs: {{{moved}}}")


@pytest.mark.parametrize("workload", ["same", "distinct", "small", "mixed"])
def test_the_public_benchmark_is_answered(bench_router: Any, workload: str) -> None:
    for line in (BENCH / "expected" / f"{workload}.jsonl").read_text().splitlines()[:60]:
        case = json.loads(line)

        answer = httpx.post(bench_router.url, json=case["request"], timeout=10).json()

        assert answer == {"data": case["data"]}


def test_its_query_file_is_answered(bench_router: Any) -> None:
    headers = {"content-type": "application/json"}
    expected = json.loads((BENCH / "expected" / "same.jsonl").read_text().splitlines()[0])

    answer = httpx.post(bench_router.url, content=(BENCH / "query.json").read_bytes(), headers=headers, timeout=10)

    assert answer.json() == {"data": expected["data"]}


@pytest.mark.parametrize("suite", ["simple-interface-object", "mutations", "requires-interface", "union-intersection"])
def test_federation_cases_pass_over_http(suite: str) -> None:
    """A few suites through the whole process; all of them are run against the engine itself elsewhere."""
    command = [sys.executable, "run.py", "--start", ROUTER, "--suite", suite]
    done = subprocess.run(command, cwd=CASES, capture_output=True, text=True, check=False)

    assert [line for line in done.stdout.splitlines() if line.startswith("FAIL")] == []
    assert done.returncode == 0
