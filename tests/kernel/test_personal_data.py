"""No table that names a person may be forgotten by erasure, and no event that tells of one."""

from __future__ import annotations

from importlib import import_module

import pytest
from sqlalchemy import MetaData

from kernel.events.catalogue import CATALOGUE
from runtime.shop import SUBGRAPHS

NAMING = {"email", "customer_id", "user_id", "recipient", "address", "phone", "token", "viewer", "visitor", "buyer"}
"""Columns that tell of a person, whichever table they are in."""
OTHERS = [name for name in SUBGRAPHS if name != "users"]


def tables_naming_people(subgraph):
    modules = [import_module(f"subgraphs.{subgraph}.storage.tables")]
    if subgraph == "inventory":
        modules.append(import_module("subgraphs.inventory.storage.planning_tables"))
    found = {}
    for module in modules:
        for metadata in [value for value in vars(module).values() if isinstance(value, MetaData)]:
            found |= {
                name: NAMING & {column.name for column in table.columns} for name, table in metadata.tables.items()
            }
    return {name for name, columns in found.items() if columns}


@pytest.mark.parametrize("subgraph", OTHERS)
def test_every_table_that_names_people_is_erased_and_exported(subgraph):
    data = import_module(f"subgraphs.{subgraph}.storage.personal_data").PERSONAL_DATA
    erased, collected = (" ".join(part.values()) for part in (data.erase, data.collect))

    for table in tables_naming_people(subgraph):
        assert f" {table} " in f" {erased} ", table
    assert [table for table in tables_naming_people(subgraph) if f" {table} " in f" {collected} "]


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_event_that_tells_of_a_person_says_which_fields(name):
    payload = CATALOGUE[name]
    telling = {"email", "shipping_address", "sealed_secret", "sealed_content"} & set(payload.__annotations__)

    assert telling <= set(payload.personal) | set(getattr(payload.__base__, "personal", ()))
    if payload.personal:
        assert {"user_id", "customer_id"} & {
            field for each in payload.__mro__ for field in vars(each).get("__annotations__", {})
        }
