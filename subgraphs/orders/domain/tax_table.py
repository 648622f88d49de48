"""Taxes from a declared table: rates by country, region, postal code and class; the narrowest row that fits counts."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from kernel.settings import SettingsError
from subgraphs.orders.domain.tax import NO_TAX, Place, TaxClass, TaxRate

STANDARD_TABLE: Final = Path(__file__).with_name("tax_rates.csv")
"""Rates for goods of many countries; one that is not in it is served without tax, as an export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRule:
    """A row: the rate of goods of one class in a country, or in these regions or postal codes of it."""

    country: str
    rate: TaxRate
    tax_class: TaxClass = TaxClass.STANDARD
    regions: frozenset[str] = frozenset()
    postal_from: str = ""
    postal_to: str = ""

    def fits(self, region: str, postal_code: str) -> bool:
        """Tell whether a place of its country is meant; postal codes are compared as texts of the same length."""
        if self.regions and region not in self.regions:
            return False
        if not self.postal_from:
            return True
        head = postal_code[: len(self.postal_from)]
        return len(head) == len(self.postal_from) and self.postal_from <= head <= self.postal_to

    @property
    def narrowness(self) -> tuple[bool, bool]:
        """What makes one row count before another."""
        return bool(self.postal_from), bool(self.regions)


@dataclass(slots=True)
class RateTable:
    """Taxes from rows. `classes` says of which class an article is, where it is not the standard one."""

    rules: Iterable[TaxRule]
    classes: Mapping[str, TaxClass] = field(default_factory=dict)
    _by_country: dict[str, list[TaxRule]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        found: defaultdict[str, list[TaxRule]] = defaultdict(list)
        for rule in sorted(self.rules, key=lambda each: each.narrowness, reverse=True):
            found[rule.country].append(rule)
        self._by_country = dict(found)

    def rate(self, place: Place, sku: str | None = None) -> TaxRate:
        """Tell the rate for an article at a place, or of the sending itself; a class without a row is the standard."""
        wanted = TaxClass.STANDARD if sku is None else self.classes.get(sku, TaxClass.STANDARD)
        rows = self._by_country.get(place.country, ())
        if not rows:
            return NO_TAX
        region, postal_code = _region(place), place.postal_code.replace(" ", "").upper()
        fitting = [rule for rule in rows if rule.fits(region, postal_code)]
        standard = next((rule.rate for rule in fitting if rule.tax_class is TaxClass.STANDARD), NO_TAX)
        if wanted is TaxClass.ZERO:
            return TaxRate(Decimal(0), included=standard.included)
        if standard.rate == 0:  # a place outside of the tax, whatever the goods are
            return standard
        return next((rule.rate for rule in fitting if rule.tax_class is wanted), standard)


def _region(place: Place) -> str:
    return place.region.strip().upper().removeprefix(f"{place.country}-")


def read_table(path: Path) -> tuple[TaxRule, ...]:
    """Read rates from a CSV file.

    Its columns are `country`, `region` (its code and names, with `|` between them), `postal_from` and `postal_to`
    (inclusive; of longer codes the beginnings count), `class`, `rate` as a fraction of one, and `included` (yes, no).

    Raises:
        SettingsError: the file is not there, or a row is not right.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(_rule(row) for row in csv.DictReader(file))
    except OSError as error:
        raise SettingsError(f"tax rates {path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise SettingsError(f"tax rates {path}: a row is not right ({error})") from error


def _rule(row: Mapping[str, str]) -> TaxRule:
    rate = Decimal(row["rate"])
    if not 0 <= rate < 1 or row["included"] not in {"yes", "no"} or len(row["country"]) != 2:
        raise ValueError(", ".join(row.values()))
    return TaxRule(
        country=row["country"],
        rate=TaxRate(rate, included=row["included"] == "yes"),
        tax_class=TaxClass(row["class"]),
        regions=frozenset(filter(None, row["region"].upper().split("|"))),
        postal_from=row["postal_from"],
        postal_to=row["postal_to"] or row["postal_from"],
    )
