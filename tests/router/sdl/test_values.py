"""Constant values: what is written, read and printed is the same."""

import pytest
from graphql import parse_value
from hypothesis import given
from hypothesis import strategies as st

from router.sdl.values import UNSET, EnumName, VariableError, canonical, print_value, same, value_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1.5", -1.5),
        ('"a\\"b"', 'a"b'),
        ("true", True),
        ("null", None),
        ("RED", EnumName("RED")),
        ("[1, [2]]", [1, [2]]),
        ('{a: 1, b: {c: "x"}}', {"a": 1, "b": {"c": "x"}}),
    ],
)
def test_read_and_print(text, value):
    assert value_of(parse_value(text)) == value
    assert print_value(value) == text


@pytest.mark.parametrize(
    ("left", "right"),
    [(1, True), (0, False), ("RED", EnumName("RED")), (1, 1.0), (UNSET, None), ([1], 1), ("", UNSET)],
)
def test_values_that_are_not_the_same(left, right):
    assert not same(left, right)


def test_order_of_fields_does_not_matter():
    assert same({"a": 1, "b": [2]}, {"b": [2], "a": 1})


def test_variables_are_refused():
    with pytest.raises(VariableError, match=r"\$x cannot be used here"):
        value_of(parse_value("[$x]"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([EnumName("A"), EnumName("B")]),
    lambda inner: st.lists(inner) | st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), inner),
)


@given(VALUES)
def test_any_value_survives_printing(value):
    assert canonical(value_of(parse_value(print_value(value)))) == canonical(value)
