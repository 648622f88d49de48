"""Files are read in portions: the same products whatever the windows are, and remarks for what is none."""

import csv
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.money import Money
from subgraphs.products.domain.products import ProductContent, ProductType, Variant
from subgraphs.products.domain.transfers import json_lines, shopify
from subgraphs.products.domain.transfers.filed import BEGINNING, CatalogueFileError, FiledProduct, Remark
from subgraphs.products.domain.wording import Seo, Wording

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12).map(
    lambda text: f"x{text.strip()}"
)
VARIANT = st.fixed_dictionaries({"Size": TEXT}).flatmap(
    lambda options: st.builds(
        Variant,
        id=st.just("var_1"),
        sku=st.just(""),
        name=TEXT,
        options=st.just(options),
        attributes=st.just({"sole": ("rubber", 'a "quoted", one')}),
        weight_grams=st.integers(0, 1000),
        prices=st.just({"EUR": Money(1250, "EUR"), "JPY": Money(7, "JPY")}),
    )
)
PRODUCT = st.tuples(
    st.builds(
        ProductContent,
        slug=st.just("replaced"),
        name=TEXT,
        description=st.sampled_from(["", "<p>two\nlines</p>", 'a "quote", and a comma', "ä€😀"]),
        type_id=st.just("ptype_1"),
        brand=TEXT,
        tags=st.just(("red", "soft")),
        attributes=st.just({"sole": ("rubber",)}),
        published=st.booleans(),
        seo=st.just(Seo(title="t", description="d")),
        translations=st.just({"de": Wording(name="Schuh")}),
    ),
    st.lists(VARIANT, min_size=1, max_size=3),
)


def spelled(products, file_format):
    kind = ProductType(id="ptype_1", slug="shoe", name="Shoe")
    text = b"\xef\xbb\xbf" + (shopify.spell_header() if file_format is shopify else b"")
    for number, (content, variants) in enumerate(products):
        named = ProductContent(**{**vars_of(content), "slug": f"product-{number}"})
        own = tuple(
            Variant(**{**vars_of(variant), "sku": f"sku-{number}-{place}"}) for place, variant in enumerate(variants)
        )
        if file_format is shopify:
            text += shopify.spell(named, kind, ("Apparel", "Shoes"), own, currency="EUR")
        else:
            text += json_lines.spell(named, kind, ("Apparel", "Shoes"), own)
    return text


def vars_of(value):
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def read(text, file_format, window=1 << 20, most=100):
    """Read a whole file through windows of a size, which double where nothing whole fits into one."""
    place, items = BEGINNING, []
    while place.offset < len(text):
        size = window
        while True:
            data = text[place.offset : place.offset + size]
            ended = place.offset + size >= len(text)
            portion = file_format.read_portion(data, place, ended=ended, most=most, currency="EUR")
            if portion.next != place or ended:
                break
            size *= 2
        assert portion.next.offset > place.offset
        assert len(portion.items) <= most
        items += portion.items
        place = portion.next
    return items


@pytest.mark.parametrize("file_format", [shopify, json_lines])
@settings(max_examples=40, deadline=None)
@given(products=st.lists(PRODUCT, max_size=6), window=st.integers(1, 400), most=st.integers(1, 4))
def test_windows_of_any_size_read_what_was_written(file_format, products, window, most):
    text = spelled(products, file_format)
    items = read(text, file_format)
    assert read(text, file_format, window, most) == items
    assert [item.product.slug for item in items] == [f"product-{number}" for number in range(len(products))]
    for item, (content, variants) in zip(items, products, strict=True):
        product = item.product
        assert product.name == content.name
        assert product.description == content.description.strip()
        assert product.published == content.published
        assert product.category == ("Apparel", "Shoes")
        assert [choice.options for choice in product.variants] == [variant.options for variant in variants]
        assert [choice.prices[0] for choice in product.variants] == [Money(1250, "EUR")] * len(variants)


def test_json_lines_hold_all_that_is_known():
    content = ProductContent(
        slug="boot",
        name="Boot",
        type_id="ptype_1",
        attributes={"sole": ("rubber",)},
        translations={"de": Wording(name="Stiefel", seo=Seo(title="Kauf"))},
    )
    variant = Variant(
        id="var_1", sku="B", name="", attributes={"width": ("9",)}, prices={"JPY": Money(7, "JPY")}, weight_grams=3
    )
    kind = ProductType(id="ptype_1", slug="shoe", name="Shoe")
    (item,) = read(json_lines.spell(content, kind, (), (variant,)), json_lines)
    assert item.product.attributes == content.attributes
    assert item.product.translations == content.translations
    (choice,) = item.product.variants
    assert (choice.attributes, choice.prices, choice.weight_grams) == (variant.attributes, (Money(7, "JPY"),), 3)


GOOD = '{"slug":"a","name":"A","type":"T","variants":[{"sku":"A1","prices":{"EUR":"1.00"}}]}'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "The line is no product"),
        ("[]", "The line is no product"),
        ('{"slug":"a"}', "name"),
        ('{"slug":"a","name":"A","type":"T","prize":1}', "prize"),
        (GOOD.replace('"A1"', "5"), "$.variants[0].sku"),
        (GOOD.replace("1.00", "1.005"), "decimals"),
        (GOOD.replace("1.00", "dear"), "Not an amount"),
        (GOOD.replace("EUR", "XXX"), "Unknown currency"),
        (GOOD.replace('"a"', '"A b"'), "slug"),
        ("\udcff", "The line is no product"),
    ],
)
def test_a_line_that_is_no_product_is_remarked_on_and_the_next_one_read(line, reason):
    text = f"{line}\n\n{GOOD}".encode(errors="surrogateescape")
    bad, good = read(text, json_lines)
    assert isinstance(bad, Remark)
    assert bad.line == 1
    assert reason in bad.reason
    assert isinstance(good, FiledProduct)
    assert good.line == 3


def shopify_file(*rows):
    columns = ("Handle", "Title", "Option1 Name", "Option1 Value", "Variant SKU", "Variant Price")
    written = StringIO()
    csv.writer(written).writerows([columns, *rows])
    return written.getvalue().encode()


def test_a_bad_row_spoils_its_product_and_no_other():
    text = shopify_file(
        ("a", "A", "Size", "S", "A-S", "5"),
        ("a", "", "", "M", "A-M", "-5"),
        ("b", "B", "Size", "S", "B-S", "5"),
        ("", "lost", "", "", "", ""),
        ("b", "", "Size", "L", "B-L", "5"),
        ("c", "C", "Size", "S", "C", "5"),
        ("c", "", "", "M", "C", "5"),
    )
    items = read(text, shopify, window=20)
    assert [(item.line, getattr(item, "reason", "")) for item in items] == [
        (3, "The price -5 is negative."),
        (4, ""),
        (5, "The row has no handle."),
        (6, "The product has no title on its first row."),
        (7, "The SKU C stands on several rows."),
    ]


@pytest.mark.parametrize(
    "text", [b"a,b\n1,2\n", b"\x00\xff\xfe", b"\n\n", shopify_file() + b'"a,b\n', shopify_file() + b'x,"\xff"\n']
)
def test_a_file_that_is_no_product_file_is_refused_as_a_whole(text):
    with pytest.raises(CatalogueFileError):
        read(text, shopify)
