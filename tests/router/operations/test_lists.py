"""Manifests, and what two spellings of an operation have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from router.config import ConfigError
from router.operations.fingerprint import fingerprint, only_introspects, read
from router.operations.lists import OperationList, read_operations
from router.operations.manifest import Budget, read_manifest, write_manifest

ENTRY = {"id": "a", "name": "A", "type": "query", "body": "query A { a }"}


def manifest(path: Path, *entries: dict[str, Any], **head: Any) -> Path:
    text = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": list(entries)} | head
    path.write_text(json.dumps(text))
    return path


def test_a_manifest_of_apollos_tools_is_read(tmp_path: Path) -> None:
    entries = [ENTRY, {"id": "b", "body": "{ b }", "clientName": "web", "unknown": 1}]

    first, second = read_manifest(manifest(tmp_path / "m.json", *entries))

    assert (first.id, first.body, first.name, first.client) == ("a", "query A { a }", "A", None)
    assert (second.id, second.client, second.budget) == ("b", "web", None)


def test_an_operation_declares_its_budget(tmp_path: Path) -> None:
    path = manifest(tmp_path / "m.json", ENTRY | {"budget": {"requests": 100, "seconds": 10, "cost": 250}})
    (operation,) = read_manifest(path)

    write_manifest(path, [operation])

    assert read_manifest(path) == (operation,)
    assert operation.budget == Budget(requests=100, seconds=10, cost=250)


@pytest.mark.parametrize(
    ("entries", "head", "reason"),
    [
        ([ENTRY], {"version": 2}, "version"),
        ([ENTRY], {"format": "other"}, "format"),
        ([{"id": "a"}], {}, "body"),
        ([{"id": 1, "body": "{ a }"}], {}, "id"),
        ([ENTRY, ENTRY | {"body": "{ b }"}], {}, "two operations of all clients have the id 'a'"),
        ([ENTRY | {"body": "{ a"}], {}, "not GraphQL"),
        ([ENTRY | {"budget": {"requests": 0}}], {}, "requests must be more than 0"),
        ([ENTRY | {"budget": {"rate": 1}}], {}, "rate"),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, entries: list[Any], head: dict[str, Any], reason: str) -> None:
    manifest(tmp_path / "m.json", *entries, **head)

    with pytest.raises(ConfigError, match=reason):
        OperationList(read_operations(tmp_path))


def test_a_clients_own_operation_goes_before_that_of_all(tmp_path: Path) -> None:
    manifest(tmp_path / "1.json", ENTRY)
    manifest(tmp_path / "2.json", ENTRY | {"body": "{ mine }", "clientName": "web"})
    operations = OperationList(read_operations(tmp_path))

    found = [operations.find("a", client) for client in ("web", "other", None)]

    assert [each and each.body for each in found] == ["{ mine }", "query A { a }", "query A { a }"]
    assert operations.find("b", "web") is None


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("query A { a b }", "#c\nquery   A {\n a, b }", True),
        ("query A { ...F } fragment F on Query { a }", "fragment F on Query { a } query A { ...F }", True),
        ("query A { a }", "query B { a }", False),
        ("{ a b }", "{ b a }", False),
        ('{ a(x: "1") }', '{ a(x: """1""") }', False),
        ("{ a(x: 1) }", "{ a(x: 2) }", False),
    ],
)
def test_what_spellings_have_in_common(one: str, other: str, equal: bool) -> None:
    documents = [read(text) for text in (one, other)]

    assert (len({fingerprint(document) for document in documents if document}) == 1) is equal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ __schema { types { name } } }", True),
        ('{ __typename t: __type(name: "A") { name } }', True),
        ("{ __schema { types { name } } a }", False),
        ("query A { __typename } query B { b }", False),
        ("{ ... { __typename } }", False),
        ("fragment F on Query { a }", False),
    ],
)
def test_which_documents_only_introspect(text: str, expected: bool) -> None:
    document = read(text)

    assert document is not None
    assert only_introspects(document) is expected
