"""`storegraph operations`: what people see, and what stands in the files afterwards."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from router.operations.cli import operations_app
from router.operations.clients import key_digest, read_clients
from router.operations.usage import add_usage

SCHEMA = "type Query { product(id: ID!): Product } type Product { id: ID! name: String! weight: Int }"
NARROWER = "type Query { product(id: ID!): Product } type Product { id: ID! name: String! }"
WEIGHT = "query Weight($id: ID!) { product(id: $id) { weight } }"
NAME = "query Name($id: ID!) { product(id: $id) { name } }"


class Shell:
    """A folder in which the command is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.operations = folder / "operations"

    def file(self, name: str, content: Any) -> str:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def manifest(self, name: str, /, **operations: str) -> str:
        entries = [{"id": key, "name": key, "type": "query", "body": body} for key, body in operations.items()]
        return self.file(name, {"format": "apollo-persisted-query-manifest", "version": 1, "operations": entries})

    def run(self, command: str, *arguments: str, code: int = 0) -> str:
        options = [command, *arguments, "--operations", str(self.operations)]
        result = CliRunner().invoke(operations_app, options)
        assert result.exit_code == code, result.output
        return result.output

    def used(self, days_ago: int, *keys: tuple[str, str]) -> str:
        path = self.folder / "usage.db"
        add_usage(path, Counter(keys), datetime.now(UTC) - timedelta(days=days_ago))
        return str(path)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_what_is_published_is_listed_with_its_use(shell: Shell) -> None:
    shell.run("publish", shell.manifest("web.json", weight=WEIGHT), "--client", "web")
    shell.run("publish", shell.file("name.graphql", NAME))
    usage = shell.used(0, ("weight", "web"), ("weight", "acme"))

    listed = json.loads(shell.run("list", "--usage", usage, "--format", "json"))

    digest = hashlib.sha256(NAME.encode()).hexdigest()
    assert {(each["id"], each["name"], each["client"]) for each in listed} == {
        (digest, "Name", None),
        ("weight", "weight", "web"),
    }
    assert {each["id"]: list(each["usage"]) for each in listed} == {digest: [], "weight": ["web"]}
    assert "1 times" in shell.run("list", "--usage", usage, "--client", "web")


def test_publishing_again_changes_nothing_and_an_id_keeps_its_meaning(shell: Shell) -> None:
    shell.run("publish", shell.manifest("one.json", a=NAME))

    assert "0 published, 1 known before" in shell.run("publish", shell.manifest("same.json", a=NAME))
    assert "is taken" in shell.run("publish", shell.manifest("other.json", b=NAME, a=WEIGHT), code=1)
    assert "1 operations" in shell.run("list")


def test_what_a_schema_does_not_allow_is_not_published(shell: Shell) -> None:
    schema = shell.file("schema.graphql", NARROWER)

    output = shell.run("publish", shell.manifest("m.json", n=NAME, w=WEIGHT), "--schema", schema, code=1)

    assert "Cannot query field 'weight'" in output
    assert not shell.operations.exists()


def test_the_check_names_the_clients_that_would_break(shell: Shell) -> None:
    shell.run("publish", shell.manifest("a.json", weight=WEIGHT, name=NAME), "--client", "acme")
    shell.run("publish", shell.manifest("w.json", name=NAME), "--client", "web")
    shell.run("add-client", "acme", "--contact", "dev@acme.example")

    assert "3 of 3 operations hold" in shell.run("check", "--schema", shell.file("old.graphql", SCHEMA))
    narrower = shell.file("new.graphql", NARROWER)
    text = shell.run("check", "--schema", narrower, code=1)
    report = json.loads(shell.run("check", "--schema", narrower, "--format", "json", code=1))

    assert "2 of 3 operations hold; broken: acme (dev@acme.example)" in text
    assert "web" not in text
    assert [(each["client"], each["id"]) for each in report["broken"]] == [("acme", "weight")]
    assert "Cannot query field 'weight'" in report["broken"][0]["reasons"][0]


def test_what_is_in_use_is_not_retired(shell: Shell) -> None:
    shell.run("publish", shell.manifest("a.json", a=NAME, b=WEIGHT, c="{ __typename }"), "--client", "acme")
    shell.used(3, ("a", "acme"), ("c", "somebody-else"))
    usage = shell.used(60, ("b", "acme"))

    assert "was used in the last 30 days" in shell.run("retire", "a", "--client", "acme", "--usage", usage, code=1)
    assert "2 retired, 1 left" in shell.run("retire", "--unused", "--client", "acme", "--usage", usage)
    assert "no operation 'b'" in shell.run("retire", "b", "--client", "acme", "--force", code=1)
    assert "1 retired, 0 left" in shell.run("retire", "a", "--client", "acme", "--force")


def test_of_an_api_key_only_the_digest_is_kept(shell: Shell) -> None:
    keys = [shell.run("add-client", "acme", "--contact", "x").split()[-1], shell.run("add-client", "acme").split()[-1]]

    client = read_clients(shell.operations / "clients.yaml")["acme"]

    assert client.keys == tuple(key_digest(key.encode()) for key in keys)
    assert client.contact == "x"
    assert not any(key in (shell.operations / "clients.yaml").read_text() for key in keys)


@pytest.mark.parametrize(
    "arguments",
    [
        ("publish", "missing.json"),
        ("check", "--schema", "missing.graphql"),
        ("retire",),
        ("retire", "a"),
        ("list",),
    ],
)
def test_wrong_use_is_told_in_one_line(shell: Shell, arguments: tuple[str, ...]) -> None:
    output = shell.run(*arguments, code=2)

    assert output.startswith("storegraph: ")
    assert output.count("\n") == 1


@pytest.mark.parametrize("name", ["", "../x", "all-clients", "a b"])
def test_names_that_are_none(shell: Shell, name: str) -> None:
    assert "is no name for a client" in shell.run("add-client", name, code=1)


def test_operations_of_another_client_are_not_published_by_mistake(shell: Shell) -> None:
    entry = {"id": "a", "body": NAME, "clientName": "web"}
    file = shell.file("m.json", {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [entry]})

    assert "--client web" in shell.run("publish", file, "--client", "acme", code=2)
    assert "1 published" in shell.run("publish", file, "--client", "web")
