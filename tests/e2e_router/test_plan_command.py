"""`storegraph plan`: every stage of the way can be looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from router.cli import command_line

QUERY = "query Q($r: Boolean!) { products { name rating @include(if: $r) } }"


def plan(supergraph: Path, *options: str, given: str | None = None) -> Result:
    return CliRunner().invoke(command_line(), ["plan", "-s", str(supergraph), *options], input=given)


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("normalise", "rating"),
        ("graph", "Product/reviews"),
        ("walk", "rating"),
        ("tree", "Product/reviews"),
        ("fetches", "reviews"),
        ("plan", "_entities"),
        ("code", "def merge_0"),
    ],
)
def test_each_stage_is_shown(supergraph: Path, stage: str, expected: str) -> None:
    done = plan(supergraph, "-q", QUERY, "--variables", '{"r": true}', "--stage", stage)

    assert (done.exit_code, done.stderr) == (0, "")
    assert expected in done.stdout


def test_conditions_choose_the_variant(supergraph: Path) -> None:
    done = plan(supergraph, "-q", QUERY, "--variables", '{"r": false}')

    assert "_entities" not in done.stdout


def test_the_plan_in_apollos_format(supergraph: Path) -> None:
    done = plan(supergraph, "-q", "-", "--json", given="{ products { rating } }")

    assert json.loads(done.stdout)["kind"] == "QueryPlan"


@pytest.mark.parametrize(
    ("options", "code", "expected"),
    [
        (["-q", "{ nope }"], 1, "Cannot query field 'nope'"),
        (["-q", "{"], 1, "Syntax Error"),
        (["-q", "query A { products { name } } query B { products { id } }"], 1, "operation name"),
        (["-q", QUERY, "--variables", '{"r": 1}'], 1, "Boolean"),
        (["-q", "@/no/such/file"], 2, "No such file"),
        (["-q", QUERY, "--variables", "["], 2, "not JSON"),
        (["-q", QUERY, "--variables", "[]"], 2, "must be a JSON object"),
        (["-q", QUERY, "--stage", "cooking"], 2, "--stage must be one of"),
        (["-q", QUERY, "--stage", "tree", "--json"], 2, "--json is for"),
    ],
)
def test_what_is_wrong_is_one_line(supergraph: Path, options: list[str], code: int, expected: str) -> None:
    done = plan(supergraph, *options)

    assert (done.exit_code, done.stdout) == (code, "")
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
