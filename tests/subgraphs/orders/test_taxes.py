"""Taxes by country, region, postal code and class; what a table says, and what articles are."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidInputError
from kernel.money import Money
from kernel.settings import SettingsError
from subgraphs.orders.domain.tax import Place, TaxClass, TaxRate, tax_each, tax_of
from subgraphs.orders.domain.tax_table import STANDARD_TABLE, RateTable, read_table

TABLE = RateTable(read_table(STANDARD_TABLE), {"BOOK": TaxClass.REDUCED, "STAMP": TaxClass.ZERO})
HEAD = "country,region,postal_from,postal_to,class,rate,included\n"


@pytest.mark.parametrize(
    ("place", "sku", "rate", "included"),
    [
        (Place("DE", "", "10115"), None, "0.19", True),
        (Place("DE", "", "10115"), "BOOK", "0.07", True),
        (Place("DE", "", "10115"), "STAMP", "0", True),
        (Place("DE", "", "27498"), "BOOK", "0", True),
        (Place("ES", "", "35001"), None, "0", True),
        (Place("ES", "", "28001"), None, "0.21", True),
        (Place("AT", "", "6992"), None, "0.19", True),
        (Place("AT", "", "6992"), "BOOK", "0.10", True),
        (Place("PT", "", "9500-321"), None, "0.16", True),
        (Place("CA", "ON", "K1A 0B1"), None, "0.13", False),
        (Place("CA", "CA-QC", "h2x 1y4"), None, "0.14975", False),
        (Place("CA", "Ontario"), None, "0.13", False),
        (Place("CA", "AB"), None, "0.05", False),
        (Place("CA"), "BOOK", "0.05", False),
        (Place("DK"), "BOOK", "0.25", True),
        (Place("US", "CA", "94105"), "BOOK", "0", True),
    ],
)
def test_the_narrowest_row_that_fits_counts(place, sku, rate, included):
    assert TABLE.rate(place, sku) == TaxRate(Decimal(rate), included=included)


RATES = st.builds(TaxRate, st.sampled_from(["0", "0.07", "0.19", "0.14975"]).map(Decimal), included=st.booleans())


@given(
    st.lists(st.tuples(st.integers(0, 10**7), RATES), min_size=1, max_size=8), st.sampled_from(["JPY", "EUR", "KWD"])
)
def test_the_taxes_of_each_rate_add_up_to_the_tax_of_its_sum(bought, currency):
    shown, rates = [Money(minor, currency) for minor, _ in bought], [rate for _, rate in bought]
    taxed = tax_each(shown, rates, currency)
    for rate in set(rates):
        of_rate = [at for at, each in enumerate(rates) if each == rate]
        whole = tax_of(Money.sum((shown[at] for at in of_rate), currency), rate)
        assert Money.sum((taxed[at].tax for at in of_rate), currency) == whole.tax
        assert Money.sum((taxed[at].gross for at in of_rate), currency) == whole.gross


@pytest.mark.parametrize("row", ["DE,,,,STANDARD,1.5,yes", "DE,,,,LUXURY,0.1,yes", "DE,,,,STANDARD,0.1,perhaps", "DE"])
def test_a_wrong_row_is_named(tmp_path, row):
    path = tmp_path / "rates.csv"
    path.write_text(f"{HEAD}{row}\n")
    with pytest.raises(SettingsError, match="a row is not right"):
        read_table(path)
    with pytest.raises(SettingsError, match="No such file"):
        read_table(tmp_path / "nowhere.csv")


async def test_articles_are_classified_and_sold_so(world):
    checkout = await world.checkout()
    before = world.service.completion.totals_of(checkout)
    await world.service.taxes.classify(["SKU-A", "SKU-A"], TaxClass.REDUCED)
    after = world.service.completion.totals_of(checkout)
    assert (before.total.gross, before.lines[1]) == (after.total.gross, after.lines[1])
    assert after.lines[0].tax == tax_of(Money(3998, "EUR"), TaxRate(Decimal("0.07"))).tax
    replica = world.replica()
    await replica.service.taxes.refresh()
    assert replica.service.taxes.classes == {"SKU-A": TaxClass.REDUCED}
    await world.service.taxes.classify(["SKU-A"], TaxClass.STANDARD)
    assert world.service.completion.totals_of(checkout) == before
    with pytest.raises(InvalidInputError):
        await world.service.taxes.classify([], TaxClass.REDUCED)
