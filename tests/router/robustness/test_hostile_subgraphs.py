"""Subgraphs that misbehave: partial results with errors, in bounded time and memory."""

from __future__ import annotations

import pytest

from tests.router.robustness.answers import BROKEN, GOOD, LARGE, LATE

MEGABYTES = 200


def ask(router, how, fields="id name size"):
    return router.ask(f'{{ item(how: "{how}") {{ {fields} }} }}').json()


@pytest.mark.parametrize("how", LARGE)
def test_too_much(router, how):
    """An answer beyond the bound is given up as soon as it is; memory stays near the bound."""
    router.forget_peak()
    before = router.memory

    answer = ask(router, how)

    assert answer["data"] == {"item": None}
    assert answer["errors"][0]["extensions"]["service"] == "items"
    assert router.peak_memory - before < MEGABYTES


@pytest.mark.parametrize("how", LATE)
def test_too_late(router, how):
    answer = ask(router, how)

    assert answer["data"] == {"item": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["SUBGRAPH_REQUEST_TIMEOUT"]


@pytest.mark.parametrize("how", BROKEN)
def test_broken(router, how):
    """Whatever came, the client gets data of the schema's types or null, and is told what was wrong."""
    answer = ask(router, how)

    assert answer["data"]["item"] in (
        None,
        {"id": "1", "name": "n", "size": None},
        {"id": "1", "name": None, "size": None},
    )
    assert 1 <= len(answer["errors"]) <= 1000
    assert all(isinstance(error["message"], str) for error in answer["errors"])
    assert all(error.get("extensions", {}).get("code") != "INTERNAL_SERVER_ERROR" for error in answer["errors"])


@pytest.mark.parametrize("how", GOOD)
def test_strange_but_good(router, how):
    """Custom scalars pass through untouched; what was not asked for is left out."""
    answer = ask(router, how, "id any" if how.startswith("anything") else "id")

    assert "errors" not in answer
    assert answer["data"]["item"]["id"] == "1"
    assert set(answer["data"]["item"]) <= {"id", "any"}
