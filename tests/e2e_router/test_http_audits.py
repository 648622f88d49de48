"""The public audits of GraphQL over HTTP (npm `graphql-http`), against a router that runs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "audits"
AUDITS = 61


@pytest.fixture(scope="module")
def audit(node_packages: Any, start_lasting_router: Any, supergraph: Path) -> Any:
    """Return a function that runs all audits and gives the findings of those that do not pass."""
    environment = node_packages(HERE, "graphql-http")
    router = start_lasting_router(supergraph)

    def run(*options: str) -> dict[str, tuple[str, str]]:
        command = ["node", str(HERE / "audits.mjs"), router.url, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=60)
        results = json.loads(done.stdout)
        assert len(results) == AUDITS
        return {each["id"]: (each["name"], each["reason"]) for each in results if each["status"] != "ok"}

    return run


def test_every_audit_passes(audit: Any) -> None:
    assert audit() == {}


def test_without_proof_that_no_page_forged_them_only_get_requests_fail(audit: Any) -> None:
    """What GraphQL over HTTP leaves open (MAY), the protection from forged requests forbids."""
    failed = audit("forgeable")

    assert all(name.startswith("MAY") for name, _ in failed.values()), failed
    assert len(failed) < 10
