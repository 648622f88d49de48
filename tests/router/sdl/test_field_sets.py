"""Field sets: parsing, printing, and one text for all spellings."""

import pytest

from router.sdl.field_sets import FieldSetError, On, Select, canonical_field_set, parse_field_set, print_field_set


def test_selections():
    assert parse_field_set('id org { id } ... on A { x(a: 1, b: "c") }') == (
        Select("id"),
        Select("org", (Select("id"),)),
        On("A", (Select("x", args=(("a", "1"), ("b", '"c"'))),)),
    )


@pytest.mark.parametrize("text", ["id", "a { b c { d } }", "... on A { x }", "... { x }", "x(a: 1)"])
def test_printing(text):
    assert print_field_set(parse_field_set(text)) == text


@pytest.mark.parametrize(
    ("left", "right"), [("a b", "b,a"), ("{ a }", "a"), ("a { c b }", "a{b c}"), ("x(b: 1, a: 2)", "x(a: 2, b: 1)")]
)
def test_spellings_of_one_set(left, right):
    assert canonical_field_set(parse_field_set(left)) == canonical_field_set(parse_field_set(right))


def test_aliases_and_directives_are_kept_for_the_rules():
    [selection] = parse_field_set("x: id @include(if: true)")

    assert (selection.alias, selection.directives) == ("x", ("@include(if: true)",))


@pytest.mark.parametrize("text", ["", "{", "a {", "a { }", "...F", "{ a } query { b }", "}", "{" * 3000])
def test_other_texts_are_refused(text):
    with pytest.raises(FieldSetError):
        parse_field_set(text)
