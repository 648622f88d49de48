import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidInputError
from subgraphs.products.domain.attributes import (
    AttributeDefinition,
    AttributeKind,
    check_attributes,
    check_definition,
)
from subgraphs.products.domain.categories import MAX_DEPTH, Category, path_below
from subgraphs.products.domain.slugs import MAX_LENGTH, check_slug, slugify
from subgraphs.products.domain.text import clean_html


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Böhm's Café", "bohms-cafe"),
        ("Straße & Øl", "strasse-ol"),
        ("  --A__b  ", "a-b"),
        ("x" * 500, "x" * MAX_LENGTH),
    ],
)
def test_slugs_are_readable(text, slug):
    assert slugify(text) == slug


@given(st.text(max_size=300))
def test_whatever_is_slugified_is_a_slug(text):
    try:
        slug = slugify(text)
    except InvalidInputError:
        return
    assert check_slug(slug) == slug
    assert slugify(slug) == slug


@given(st.text(alphabet="<>/=\"'abcsript:onload &;", max_size=200))
def test_cleaning_twice_changes_nothing_more(text):
    once = clean_html(text)
    assert clean_html(once) == once
    assert "<script" not in once


@pytest.mark.parametrize(
    ("kind", "text", "canonical"),
    [
        (AttributeKind.NUMBER, "1.50", "1.5"),
        (AttributeKind.NUMBER, "-0", "0"),
        (AttributeKind.NUMBER, "1e3", "1000"),
        (AttributeKind.BOOLEAN, "TRUE", "true"),
        (AttributeKind.DATE, "2026-02-28", "2026-02-28"),
        (AttributeKind.TEXT, " oak ", "oak"),
        (AttributeKind.CHOICE, "red", "red"),
    ],
)
def test_values_have_one_spelling(kind, text, canonical):
    choices = ("red", "blue") if kind is AttributeKind.CHOICE else ()
    definition = check_definition(AttributeDefinition(code="it", label="It", kind=kind, choices=choices))
    assert check_attributes([definition], {"it": [text]}, for_variant=False) == {"it": (canonical,)}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (AttributeKind.NUMBER, "many"),
        (AttributeKind.NUMBER, "NaN"),
        (AttributeKind.NUMBER, "1e999999"),
        (AttributeKind.BOOLEAN, "yes"),
        (AttributeKind.DATE, "2026-02-30"),
        (AttributeKind.TEXT, ""),
        (AttributeKind.CHOICES, "green"),
    ],
)
def test_values_of_the_wrong_kind_are_refused(kind, text):
    choices = ("red", "blue") if kind is AttributeKind.CHOICES else ()
    definition = AttributeDefinition(code="it", label="It", kind=kind, choices=choices)
    with pytest.raises(InvalidInputError) as refused:
        check_attributes([definition], {"it": [text]}, for_variant=False)
    assert refused.value.path[-1] == "it"


def test_a_required_attribute_must_be_there():
    definition = AttributeDefinition(code="it", label="It", kind=AttributeKind.TEXT, required=True)
    with pytest.raises(InvalidInputError):
        check_attributes([definition], {}, for_variant=False)
    assert check_attributes([definition], {}, for_variant=True) == {}


@pytest.mark.parametrize(
    "definition",
    [
        AttributeDefinition(code="It", label="It", kind=AttributeKind.TEXT),
        AttributeDefinition(code="it", label="", kind=AttributeKind.TEXT),
        AttributeDefinition(code="it", label="It", kind=AttributeKind.CHOICE),
        AttributeDefinition(code="it", label="It", kind=AttributeKind.TEXT, choices=("a",)),
        AttributeDefinition(code="it", label="It", kind=AttributeKind.CHOICE, choices=("a", "a")),
    ],
)
def test_unusable_definitions_are_refused(definition):
    with pytest.raises(InvalidInputError):
        check_definition(definition)


def category(path):
    return Category(id=path[-1], slug=path[-1], name=path[-1], description="", parent_id=None, path=path, position=0)


def test_a_category_cannot_be_its_own_ancestor():
    assert path_below(category(("a", "b")), "c") == ("a", "b", "c")
    assert path_below(None, "c") == ("c",)
    with pytest.raises(InvalidInputError):
        path_below(category(("a", "c", "d")), "c")
    with pytest.raises(InvalidInputError):
        path_below(category(tuple(map(str, range(MAX_DEPTH)))), "c")
