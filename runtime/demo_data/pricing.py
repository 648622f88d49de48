"""Prices of the past: the list price less the promotion that ran then, by the shop's own rule."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from kernel.money import Money
from runtime.demo_data.catalogue import Catalogue, Item
from subgraphs.products.domain.pricing import FixedOff, PercentOff, PriceSubject, Promotion, Reward, quote
from subgraphs.products.storage.bulk import PromotionRow, VariantRow

_COST_SHARE: Final = 0.55


class PriceList:
    """What each variant cost, in each currency, at any instant."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._list = {(row.variant_id, row.currency): Money(row.minor, row.currency) for row in catalogue.prices}
        self._promotions = [_promotion(row) for row in catalogue.promotions]

    def price(self, item: Item, variant: VariantRow, currency: str, at: datetime) -> Money:
        """Tell what a buyer paid for one piece."""
        running = [each for each in self._promotions if each.starts_at <= at < each.ends_at]
        subject = PriceSubject(product_id=item.row.id, category_path=item.category_path)
        return quote(self._list[variant.id, currency], subject, running, at).price


def purchase_costs(catalogue: Catalogue) -> dict[str, Money]:
    """Tell what the merchant pays for a piece of each SKU: a little more than half of its list price in euros."""
    prices = {row.variant_id: row.minor for row in catalogue.prices if row.currency == "EUR"}
    variants = (variant for item in catalogue.items for variant in item.variants)
    return {variant.sku: Money(round(prices[variant.id] * _COST_SHARE), "EUR") for variant in variants}


def _promotion(row: PromotionRow) -> Promotion:
    return Promotion(
        id=row.id,
        name=row.name,
        reward=_reward(row),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        category_ids=frozenset(row.category_ids),
        product_ids=frozenset(row.product_ids),
    )


def _reward(row: PromotionRow) -> Reward:
    if row.percent is not None:
        return PercentOff(row.percent)
    return FixedOff(tuple(Money(minor, currency) for currency, minor in (row.amounts or {}).items()))
