from datetime import UTC, datetime

import pytest

from kernel.errors import ConflictError, InvalidInputError
from kernel.money import Money
from subgraphs.products.domain.attributes import AttributeDefinition, AttributeKind
from subgraphs.products.domain.products import (
    MAX_VARIANTS,
    Product,
    ProductContent,
    ProductType,
    Variant,
    check_content,
    check_variants,
)

SHOES = ProductType(
    id="ptype_1",
    slug="shoes",
    name="Shoes",
    attributes=(
        AttributeDefinition(code="sole", label="Sole", kind=AttributeKind.TEXT),
        AttributeDefinition(code="width", label="Width", kind=AttributeKind.NUMBER, unit="mm", for_variants=True),
    ),
)


def content(**changes):
    return ProductContent(**{"slug": "blue-shoe", "name": "Blue shoe", "type_id": SHOES.id} | changes)


def variant(size="42", **changes):
    return Variant(**{"id": f"var_{size}", "sku": f"SHOE-{size}", "name": size, "options": {"Size": size}} | changes)


def test_content_comes_back_clean():
    checked = check_content(
        content(
            name="  Blue\x00 shoe ",
            description='<p onclick="x()">Soft<script>alert(1)</script> <a href="javascript:x">sole</a></p>',
            tags=("new", " new ", "sale"),
            attributes={"sole": ("rubber",)},
        ),
        SHOES,
    )
    assert checked.name == "Blue shoe"
    assert checked.description == '<p>Soft <a rel="noopener noreferrer">sole</a></p>'
    assert checked.tags == ("new", "sale")
    assert checked.attributes == {"sole": ("rubber",)}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"slug": "Blue Shoe"}, ("slug",)),
        ({"slug": "blue--shoe"}, ("slug",)),
        ({"name": " \n"}, ("name",)),
        ({"name": "x" * 251}, ("name",)),
        ({"description": "x" * 1_000_000}, ("description",)),
        ({"tags": tuple(map(str, range(51)))}, ("tags",)),
        ({"attributes": {"width": ("1",)}}, ("attributes",)),
        ({"attributes": {"sole": ("a", "b")}}, ("attributes", "sole")),
    ],
)
def test_wrong_content_names_its_field(changes, path):
    with pytest.raises(InvalidInputError) as refused:
        check_content(content(**changes), SHOES)
    assert refused.value.path == path


def test_variants_come_back_canonical():
    (checked,) = check_variants([variant(attributes={"width": ("98.50",)}, prices={"EUR": Money(7500, "EUR")})], SHOES)
    assert checked.attributes == {"width": ("98.5",)}
    assert checked.prices == {"EUR": Money(7500, "EUR")}
    assert checked.facts().sku == "SHOE-42"


@pytest.mark.parametrize(
    "variants",
    [
        [variant(), variant("43", sku="SHOE-42")],
        [variant(), variant("43", options={"Colour": "blue"})],
        [variant(), variant("43", options={"Size": "42"})],
        [variant(weight_grams=-1)],
        [variant(prices={"EUR": Money(-1, "EUR")})],
        [variant(sku="")],
        [variant(attributes={"width": ("wide",)})],
        [variant(str(size)) for size in range(MAX_VARIANTS + 1)],
    ],
)
def test_wrong_variants_are_refused(variants):
    with pytest.raises(InvalidInputError):
        check_variants(variants, SHOES)


def test_an_edit_of_an_old_version_is_refused():
    now = datetime(2026, 6, 1, tzinfo=UTC)
    product = Product(id="prod_1", content=content(), variants=(), version=3, created_at=now, updated_at=now)
    product.expect(3)
    product.expect(None)
    with pytest.raises(ConflictError) as refused:
        product.expect(2)
    assert refused.value.code == "STALE_VERSION"
