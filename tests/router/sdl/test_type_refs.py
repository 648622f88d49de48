"""References to types as text."""

import pytest
from graphql import parse_type

from router.sdl.type_refs import is_list, is_non_null, is_strict_subtype, is_subtype, item, named, nullable, text_of

MEMBERS = {("Node", "User"), ("Result", "User")}


def is_member(abstract, concrete):
    return (abstract, concrete) in MEMBERS


@pytest.mark.parametrize("text", ["Int", "Int!", "[Int]", "[Int!]!", "[[Int]!]"])
def test_text_of_is_what_was_written(text):
    assert text_of(parse_type(text)) == text


def test_parts():
    assert named("[[User!]!]!") == "User"
    assert nullable("[User!]!") == "[User!]"
    assert item("[[User!]]!") == "[User!]"
    assert is_list("[User]!")
    assert not is_list("User!")
    assert is_non_null("[User]!")
    assert not is_non_null("[User!]")


@pytest.mark.parametrize(
    ("ref", "sub"),
    [
        ("Int", "Int!"),
        ("[Int]", "[Int!]"),
        ("[Int]", "[Int!]!"),
        ("[Int]!", "[Int!]!"),
        ("Node", "User"),
        ("Node!", "User!"),
        ("[Result]", "[User!]!"),
    ],
)
def test_subtypes(ref, sub):
    assert is_strict_subtype(ref, sub, is_member)
    assert is_subtype(ref, sub, is_member)
    assert not is_subtype(sub, ref, is_member)


@pytest.mark.parametrize(
    ("ref", "sub"), [("Int", "String"), ("Int", "[Int]"), ("[Int]", "Int"), ("Int!", "Int"), ("[Int!]", "[Int]")]
)
def test_no_subtypes(ref, sub):
    assert not is_subtype(ref, sub, is_member)


def test_equal_types_are_no_strict_subtypes():
    assert is_subtype("[Int!]", "[Int!]", is_member)
    assert not is_strict_subtype("[Int!]", "[Int!]", is_member)
