"""Requests as text, and fields that must not share a response key."""

from __future__ import annotations

from graphql import build_schema, parse, validate

from router.planner.documents import drop_repeated, keep_apart, write_document
from router.planner.fetches import Document, DocumentField
from router.planner.plan_text import path_text


def document(*fields, **fragments):
    made = Document()
    for field in fields:
        made.add(field)
    made.fragments.update(fragments)
    return made


def asked(name, shape, selection=None, lists=0):
    return DocumentField(name, name, "", frozenset(), shape, lists, selection)


def test_clashing_shapes_get_an_alias_at_every_depth():
    """Fields that differ in nullability or lists are told apart, and the inner ones renamed back first."""
    pets = document(
        asked("pet", "", document(asked("id", "!ID"))),
        Dog=document(asked("toys", "[", document(asked("name", "String"), Ball=document(asked("name", "!String"))), 1)),
        Cat=document(
            asked("toys", "![", document(asked("name", "String"), Ball=document(asked("name", "!String"))), 1)
        ),
    )
    whole = document(asked("pets", "[", pets, 1))

    renames = list(keep_apart([whole]))

    assert [(path_text(rename.path), rename.old, rename.new) for rename in renames] == [
        ("pets.@.toys.@", "_1_name", "name"),
        ("pets.@._1_toys.@", "_1_name", "name"),
        ("pets.@", "_1_toys", "toys"),
    ]
    schema = build_schema("""
        type Query { pets: [Pet] }
        interface Pet { pet: Pet2 }
        type Pet2 { id: ID! }
        interface Toy { name: String }
        type Ball implements Toy { name: String! }
        type Dog implements Pet { pet: Pet2 toys: [Toy] }
        type Cat implements Pet { pet: Pet2 toys: [Toy]! }
    """)
    assert validate(schema, parse(write_document(whole))) == []


def test_leaves_of_a_fragment_that_are_asked_around_it_are_dropped():
    """A fragment that adds nothing is left out."""
    whole = document(
        asked("id", "!ID"), A=document(asked("id", "!ID")), B=document(asked("x", "Int"), asked("id", "!ID"))
    )

    drop_repeated(whole)

    assert write_document(whole) == "{id ... on B{x}}"


def test_an_empty_selection_asks_for_the_type():
    """GraphQL has no empty selection."""
    assert write_document(Document()) == "{__typename}"
