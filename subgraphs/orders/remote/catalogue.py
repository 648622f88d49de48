"""Products, as orders asks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from kernel.calls import SubgraphCalls
from subgraphs.orders.domain.cart import Article
from subgraphs.orders.remote.answers import money

_FOR_SALE: Final = """
query ($skus: [String!]!, $currency: CurrencyCode!) {
  variantsForSale(skus: $skus, currency: $currency) {
    sku variantId productId name weightGrams availableForPurchase
    unitPrice { amount currency }
  }
}
"""


class RemoteCatalogue:
    """The catalogue behind the products subgraph."""

    def __init__(self, calls: SubgraphCalls) -> None:
        self._calls = calls

    async def articles(self, skus: Sequence[str], currency: str) -> Mapping[str, Article]:
        """Give what is for sale of these, at the prices of now."""
        variables = {"skus": list(skus), "currency": currency}
        data = await self._calls.execute("products", _FOR_SALE, variables)
        return {
            one["sku"]: Article(
                sku=one["sku"],
                variant_id=one["variantId"],
                product_id=one["productId"],
                name=one["name"],
                unit_price=money(one["unitPrice"]),
                weight_grams=one["weightGrams"] or 0,
            )
            for one in data["variantsForSale"]
            if one["availableForPurchase"] and one["unitPrice"]
        }
