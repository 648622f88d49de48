"""What a whole basket costs: a pure function from lines, promotions and vouchers to priced lines with their reasons.

Three stages, each working on what the one before has left: the price of each piece (see `quoting`), promotions that
need the basket (buy and get, tiers, minimums, amounts off the whole), vouchers. A line takes part in one exclusive
promotion, or in any number of stackable ones. Of the alternatives for the lines that are free, the best one is taken,
again and again until none takes anything off; so the outcome depends neither on the order of lines nor of promotions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kernel.money import Money
from subgraphs.products.domain.prices.promotions import Alternative, Promotion, alternatives, rank
from subgraphs.products.domain.prices.quoting import Quote
from subgraphs.products.domain.prices.rewards import BuyGet, Cuts, OpenLine, Reward
from subgraphs.products.domain.prices.selection import PriceSubject, Selection


class ReductionKind(StrEnum):
    """What has reduced a line."""

    PROMOTION = "PROMOTION"
    VOUCHER = "VOUCHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """Why a line costs less than its pieces, and by how much."""

    kind: ReductionKind
    source_id: str
    name: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketLine:
    """Pieces of one variant, each at the price that is shown."""

    sku: str
    subject: PriceSubject
    quantity: int
    quote: Quote

    @property
    def shown(self) -> Money:
        """What the pieces cost before the basket is looked at."""
        return self.quote.price * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """A line with all that was taken off it."""

    line: BasketLine
    reductions: tuple[Reduction, ...] = ()

    @property
    def total(self) -> Money:
        """What the pieces cost in the end."""
        return self.line.shown - Money.sum((each.amount for each in self.reductions), self.line.shown.currency)

    def off(self, kind: ReductionKind) -> Money:
        """What reductions of one kind take off."""
        amounts = (each.amount for each in self.reductions if each.kind is kind)
        return Money.sum(amounts, self.line.shown.currency)


class Basket:
    """Lines that are being priced: what each still costs, and why."""

    def __init__(self, lines: Iterable[BasketLine], currency: str) -> None:
        self._lines = {each.sku: each for each in sorted(lines, key=lambda each: each.sku)}
        self._left = {sku: each.shown.minor for sku, each in self._lines.items()}
        self._reductions: dict[str, list[Reduction]] = {sku: [] for sku in self._lines}
        self.currency = currency

    def priced(self, order: Iterable[str]) -> tuple[PricedLine, ...]:
        """Give the lines as they are priced by now, in an order."""
        return tuple(PricedLine(line=self._lines[sku], reductions=tuple(self._reductions[sku])) for sku in order)

    def lines(self) -> Iterator[BasketLine]:
        """Give the lines in their canonical order."""
        yield from self._lines.values()

    def untouched(self, sku: str) -> bool:
        """Tell whether a line costs what was asked before any promotion."""
        return not self._lines[sku].quote.reduced and not self._reductions[sku]

    def left(self) -> Mapping[str, int]:
        """Give what each line still costs, in minor units."""
        return dict(self._left)

    def reduce(self, cuts: Cuts, kind: ReductionKind, source_id: str, name: str) -> None:
        """Take something off."""
        for sku, cut in cuts.items():
            amount = Money(cut, self.currency)
            self._reductions[sku].append(Reduction(kind=kind, source_id=source_id, name=name, amount=amount))
            self._left[sku] -= cut

    def open(self, skus: Iterable[str], left: Mapping[str, int]) -> list[OpenLine]:
        """Give lines as rewards see them."""
        return [OpenLine(sku, self._lines[sku].quantity, Money(left[sku], self.currency)) for sku in skus]

    def selected(self, selection: Selection, among: Iterable[str]) -> list[str]:
        """Give the lines that a predicate means."""
        return [sku for sku in among if selection.includes(self._lines[sku].subject)]

    def rewarded(
        self, reward: Reward, selection: Selection, among: Sequence[str], left: Mapping[str, int]
    ) -> tuple[Cuts, frozenset[str]]:
        """Say what a reward takes off, and which lines have a part in it."""
        chosen = self.selected(selection, among)
        mine = self.open(chosen, left)
        if not isinstance(reward, BuyGet):
            return reward.cuts(mine), frozenset(chosen)
        if reward.gets is None:
            return reward.cuts(mine), frozenset(chosen)
        given = self.selected(reward.gets, [sku for sku in among if sku not in chosen])
        cuts = reward.cuts(mine, self.open(given, left))
        return cuts, frozenset((*chosen, *cuts))


def price_basket(lines: Sequence[BasketLine], promotions: Iterable[Promotion], currency: str) -> Basket:
    """Price lines, each of another SKU, with the promotions that run for the buyer; vouchers may follow."""
    basket = Basket(lines, currency)
    free = [each.sku for each in basket.lines()]
    competing = alternatives(each for each in promotions if not each.shown)
    while free and competing:
        offers = [(alternative, _offer(basket, alternative, free)) for alternative in competing]
        counting = [(alternative, offer) for alternative, offer in offers if offer.steps]
        if not counting:
            break
        alternative, best = min(counting, key=lambda each: each[1].order)
        for promotion, cuts in best.steps:
            basket.reduce(cuts, ReductionKind.PROMOTION, promotion.id, promotion.name)
        free = [sku for sku in free if sku not in best.taken]
        competing.remove(alternative)
    return basket


@dataclass(frozen=True, slots=True)
class _Offer:
    """What an alternative would take off the lines that are free, step by step."""

    steps: tuple[tuple[Promotion, Cuts], ...]
    taken: frozenset[str]

    @property
    def order(self) -> tuple[int, int, tuple[str, ...]]:
        """Where it stands among others: by priority, then by what it takes off, then by its ids."""
        counting = [promotion for promotion, _ in self.steps]
        off = sum(sum(cuts.values()) for _, cuts in self.steps)
        return -rank(counting), -off, tuple(each.id for each in counting)


def _offer(basket: Basket, alternative: Alternative, free: Sequence[str]) -> _Offer:
    left = dict(basket.left())
    steps: list[tuple[Promotion, Cuts]] = []
    taken: set[str] = set()
    for promotion in alternative:
        if not _reached(basket, promotion, free, left):
            continue
        cuts, part = basket.rewarded(promotion.reward, promotion.selection, free, left)
        if cuts:
            steps.append((promotion, cuts))
            taken |= part
            left.update({sku: left[sku] - cut for sku, cut in cuts.items()})
    return _Offer(tuple(steps), frozenset(taken))


def _reached(basket: Basket, promotion: Promotion, free: Sequence[str], left: Mapping[str, int]) -> bool:
    """Tell whether the goods that a promotion is for meet its conditions."""
    meant = basket.open(basket.selected(promotion.selection, free), left)
    if not meant:
        return False
    if promotion.minimum_quantity and sum(each.quantity for each in meant) < promotion.minimum_quantity:
        return False
    if not promotion.minimums:
        return True
    minimum = promotion.minimum_in(meant[0].left.currency)
    return minimum is not None and sum(each.left.minor for each in meant) >= minimum.minor
