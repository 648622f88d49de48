"""The command line: help with examples, exit codes, and one line where something is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

STOREGRAPH = str(Path(sys.executable).with_name("storegraph"))
COMMANDS = [
    "check",
    "compose",
    "demo",
    "export-schema",
    "import-catalogue",
    "load-demo-data",
    "migrate",
    "plan",
    "router",
    "subgraph",
    "up",
    "worker",
]


def storegraph(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [STOREGRAPH, *arguments],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "120", **environment},
        timeout=60,
        check=False,
    )


def test_help_lists_every_command() -> None:
    listed = storegraph("--help").stdout

    assert [command for command in COMMANDS if f" {command} " not in listed] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_with_an_example(command: str) -> None:
    done = storegraph(command, "--help")

    assert done.returncode == 0
    assert f"storegraph {command}" in done.stdout.replace("Usage: storegraph", "")


def test_an_unknown_subgraph_is_refused_with_the_names_that_there_are() -> None:
    done = storegraph(
        "subgraph",
        "billing",
        STOREGRAPH_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none",
        STOREGRAPH_INTERNAL_KEY="k" * 32,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("storegraph: There is no subgraph 'billing'. There are: products, inventory,")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "STOREGRAPH_DATABASE_URL is not set"),
        ({"STOREGRAPH_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "STOREGRAPH_INTERNAL_KEY is not set"),
        ({"STOREGRAPH_LOG_LEVEL": "loud"}, "STOREGRAPH_LOG_LEVEL: "),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(environment: dict[str, str], told: str) -> None:
    done = storegraph("migrate", **environment)

    assert done.returncode == 1
    assert done.stderr.startswith("storegraph: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_database_that_is_away_is_told_in_one_line() -> None:
    away = {"STOREGRAPH_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "STOREGRAPH_INTERNAL_KEY": "k" * 32}
    done = storegraph("subgraph", "products", **away)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "STOREGRAPH_DATABASE_URL cannot be reached" in done.stderr


def test_a_demo_without_a_store_says_how_to_start_one() -> None:
    done = storegraph("demo", "--url", "http://127.0.0.1:1/graphql")

    assert done.returncode == 1
    assert "Is the store up?" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
