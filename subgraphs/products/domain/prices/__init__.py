"""What things cost: pure functions from goods, rules and an instant to prices with their reasons.

selection   which goods and whom a rule is for        rewards     what it takes off
lists       other prices than the list price          promotions  which rewards count together
quoting     the price of one piece, as it is shown    basket      the price of all that somebody buys
priors      the lowest price before a reduction
"""

from subgraphs.products.domain.prices.basket import (
    Basket,
    BasketLine,
    PricedLine,
    Reduction,
    ReductionKind,
    price_basket,
)
from subgraphs.products.domain.prices.lists import Listed, ListedPrice, ListKind, PriceList, PriceLists
from subgraphs.products.domain.prices.priors import PriceHistory, PriceStep
from subgraphs.products.domain.prices.promotions import Promotion, running_for
from subgraphs.products.domain.prices.quoting import Cut, Quote, quote
from subgraphs.products.domain.prices.rewards import (
    BuyGet,
    FixedOff,
    FixedPrice,
    PercentOff,
    QuantityTiers,
    Reward,
    TotalOff,
)
from subgraphs.products.domain.prices.selection import (
    ANYBODY,
    EVERYBODY,
    EVERYTHING,
    Clientele,
    PriceSubject,
    Selection,
    Shopper,
    any_target,
)

__all__ = [
    "ANYBODY",
    "EVERYBODY",
    "EVERYTHING",
    "Basket",
    "BasketLine",
    "BuyGet",
    "Clientele",
    "Cut",
    "FixedOff",
    "FixedPrice",
    "ListKind",
    "Listed",
    "ListedPrice",
    "PercentOff",
    "PriceHistory",
    "PriceList",
    "PriceLists",
    "PriceStep",
    "PriceSubject",
    "PricedLine",
    "Promotion",
    "QuantityTiers",
    "Quote",
    "Reduction",
    "ReductionKind",
    "Reward",
    "Selection",
    "Shopper",
    "TotalOff",
    "any_target",
    "price_basket",
    "quote",
    "running_for",
]
