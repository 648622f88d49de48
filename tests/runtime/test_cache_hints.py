"""What the shop's schema says of how long answers may be kept: products, the category tree, and nothing of stock."""

import pytest
from graphql import parse

from router.execution.caching import cache_rules
from router.supergraph import load_supergraph
from runtime.export_schema import PROJECT


@pytest.fixture(scope="module")
def seconds():
    """Tell for how many seconds the answer to a query may be kept."""
    rules = cache_rules(load_supergraph((PROJECT / "schema/supergraph.graphql").read_text(encoding="utf-8")), 0)

    class Program:
        """Stands for a compiled operation."""

    def of(query):
        program, (operation,) = Program(), parse(query).definitions
        rules.learn(program, operation, {})
        policy = rules._declared[program]
        assert not policy.private
        return policy.max_age

    return of


PRODUCT = """name attributes { attribute { label } values } media { url alt } seo { title } productType { name }
priceRange { minimum { amount } onSale } variants { sku price { amount currency } options { name value } }"""


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        (f'{{ product(slug: "a") {{ {PRODUCT} category {{ name ancestors {{ name }} }} }} }}', 60),
        ('{ category(slug: "a") { name seo { title } children { name children { name } } } }', 300),
        ('{ product(slug: "a") { name availability { inStock } } }', 0),
        ('{ variant(sku: "a") { price { amount } availability { inStock } } }', 0),
        ("{ me { id } }", 0),
    ],
)
def test_answers_may_be_kept_for_as_long_as_the_strictest_of_their_parts(seconds, query, kept):
    assert seconds(query) == kept
